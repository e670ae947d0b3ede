import Imaging
import Testing

/// Files cut short and with flipped bits: an error or an image, never a trap, a hang or made-up
/// pixels.
@Suite struct DamageTests {
    private static var options: ReadingOptions {
        var options = ReadingOptions()
        options.decodedByteCountMaximum = 1 << 22
        return options
    }

    /// Opens and reads the file; `nil` when it is refused.
    private func read(_ bytes: [UInt8], _ folder: ScratchFolder) throws -> [UInt16]? {
        do {
            let path = try folder.file("image", bytes)
            return try Picture(ImageFormats.open(path, Self.options)).samples
        } catch let error as ImageError {
            #expect(error.kind != .noSuchFile && error.message.contains("/image"))
            return nil
        }
    }

    /// A small file of each kind of decoder.
    private func files(_ folder: ScratchFolder) throws -> [(name: String, bytes: [UInt8])] {
        var files = [
            ("tiled.tif", ForeignFiles.tiledTIFF), ("planar.tif", ForeignFiles.planarTIFF),
            ("white.tif", ForeignFiles.whiteTIFF), ("palette.png", ForeignFiles.palettePNG),
        ]
        for name in ["rgba16.png", "rgba16.tif"] {
            let header = ImageHeader(
                width: 6, height: 5, colorBands: 3, alpha: .unassociated, sampleType: .uint16,
                format: .png)
            try Picture(header, seed: 3).write("\(folder.path)/\(name)")
            files.append((name, try folder.bytes(name)))
        }
        // All kinds of directories and tags, tiles and an overview.
        var header = ImageHeader(
            width: 257, height: 2, colorBands: 1, sampleType: .uint8, format: .tiff,
            tiffCompression: .deflate)
        header.metadata = TIFFMetadataTests.full
        header.metadata.iccProfile = nil
        header.hasOverviews = true
        header.tiffLayout = .tiles(width: 272, height: 16)
        try Picture(header, seed: 3).write("\(folder.path)/full.tif")
        files.append(("full.tif", try folder.bytes("full.tif")))
        return files
    }

    @Test func `every beginning of a PNG is an error`() throws {
        let folder = try ScratchFolder()
        for (name, bytes) in try files(folder) where name.hasSuffix("png") {
            for count in bytes.indices {
                #expect(try read(Array(bytes[..<count]), folder) == nil, "\(name), \(count) bytes")
            }
        }
    }

    @Test func `every beginning of a TIFF is an error or the image`() throws {
        let folder = try ScratchFolder()
        for (name, bytes) in try files(folder) where name.hasSuffix("tif") {
            let whole = try #require(try read(bytes, folder))
            for count in bytes.indices {
                let part = try read(Array(bytes[..<count]), folder)
                #expect(part == nil || part == whole, "\(name), \(count) bytes")
            }
        }
    }

    @Test func `a TIFF whose pixels reach beyond its end is told to be cut short`() throws {
        let folder = try ScratchFolder()
        var tiff = HandmadeTIFF(
            width: 16, height: 16, data: [UInt8](repeating: 7, count: 256))
        tiff.set(HandmadeTIFF.stripOffsets, tiff.bytes.count - 10)
        let path = try folder.file("image.tif", tiff.bytes)
        let error = #expect(throws: ImageError.self) { try Picture(ImageFormats.open(path)) }
        #expect(error?.message.contains("cut short (it ends too early)") == true, "\(error as Any)")
    }

    @Test func `a TIFF that ends within its pixels is an error`() throws {
        // The directory first, the pixels last, as a stopped copy leaves them.
        let folder = try ScratchFolder()
        for compression in [1, 32773] {
            // 400 literal bytes: three PackBits runs of 128 and one of 16.
            let pixels = (0..<400).map { UInt8($0 % 251) }
            let runs = stride(from: 0, to: 400, by: 128).map { pixels[$0..<min($0 + 128, 400)] }
            let data = compression == 1 ? pixels : runs.flatMap { [UInt8($0.count - 1)] + $0 }
            var file = HandmadeTIFF(width: 20, height: 20, data: [])
            file.set(HandmadeTIFF.compression, compression)
            file.set(HandmadeTIFF.stripOffsets, file.bytes.count)
            file.set(HandmadeTIFF.stripByteCounts, data.count)
            let bytes = file.bytes + data
            #expect(try read(bytes, folder) == pixels.map { UInt16($0) })
            for count in (bytes.count - data.count)..<bytes.count {
                #expect(try read(Array(bytes[..<count]), folder) == nil, "\(count) bytes")
            }
        }
    }

    @Test func `flipped bits give an error or an image`() throws {
        let folder = try ScratchFolder()
        let files = try files(folder)
        for seed in 0..<600 {
            var random = SeededGenerator(seed: seed)
            for (name, original) in files {
                var bytes = original
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    let at = Int.random(in: 8..<bytes.count, using: &random)
                    bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                }
                // Past the checksums, to the decoder.
                if name.hasSuffix("png") && seed % 4 != 0 {
                    bytes = HandmadePNG.withChecksums(bytes)
                }
                _ = try read(bytes, folder)
            }
        }
    }
}
