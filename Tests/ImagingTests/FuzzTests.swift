import Foundation
import Testing

@testable import Imaging

/// Files of every kind, spoiled at random: an error or an image, never a trap or a hang. Longer by
/// `DIP_FUZZ_COUNT`, files of each format; from another seed on by `DIP_FUZZ_SEED`. Where the
/// process dies, the file lies in its folder in `/tmp`, with the seed in its name.
@Suite struct FuzzTests {
    private static func setting(_ name: String, _ value: Int) -> Int {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? value
    }

    /// Opens the file and reads all of it in pieces.
    private func read(_ path: String, _ options: ReadingOptions) throws -> ImageHeader {
        let source = try ImageFormats.open(path, options)
        let header = source.header
        let rows = max(1, header.height / 3)
        var bytes = [UInt8](repeating: 0, count: rows * header.width * header.pixelByteCount)
        for top in stride(from: 0, to: header.height, by: rows) {
            let count = min(rows, header.height - top)
            try bytes.withUnsafeMutableBytes { raw in
                let part = raw[..<(count * header.width * header.pixelByteCount)]
                try source.readRaw(
                    PixelRegion(x: 0, y: top, width: header.width, height: count),
                    into: UnsafeMutableRawBufferPointer(rebasing: part))
            }
        }
        return header
    }

    /// Writes a black image with the metadata of a spoiled file, and opens it. Without a sink,
    /// which would wait for the disk.
    private func rewrite(_ metadata: Metadata, _ path: String, _ codec: any FormatCodec.Type)
        throws
    {
        var header = ImageHeader(
            width: 3, height: 2, colorBands: 1, sampleType: .uint8, format: .png)
        header.metadata = metadata
        unlink(path)
        let descriptor = open(path, O_RDWR | O_CREAT, 0o600)
        defer { close(descriptor) }
        let encoder = try codec.makeEncoder(descriptor, name: path, header: header)
        try [UInt8](repeating: 0, count: 6).withUnsafeBytes {
            try encoder.write(rowCount: 2, samples: $0)
        }
        try encoder.finish()
        _ = try ImageFormats.open(path)
    }

    @Test(arguments: ["PNG", "TIFF", "JPEG"])
    func `spoiled files give an error or an image`(format: String) throws {
        let files = try FuzzCorpus.files(format)
        let folder = try ScratchFolder()
        var refused = 0
        let first = Self.setting("DIP_FUZZ_SEED", 0)
        let count = Self.setting("DIP_FUZZ_COUNT", 2000)
        for seed in first..<first + count {
            var mutation = FuzzMutation(seed: seed)
            var bytes = mutation.changed(files[seed % files.count], others: files)
            // Past the checksums, to the decoder.
            if format == "PNG", !mutation.oneIn(4) { bytes = HandmadePNG.withChecksums(bytes) }
            var options = ReadingOptions()
            options.decodedByteCountMaximum = 1 << 22
            if mutation.oneIn(2) { options.cacheByteCount = 4000 }
            if format == "TIFF", mutation.oneIn(4) { options.page = 1 }
            let path = try folder.file("seed-\(seed)", bytes)
            defer { unlink(path) }
            let began = ContinuousClock.now
            do {
                let header = try read(path, options)
                if mutation.oneIn(4) {
                    for codec in [PNGFormat.self, TIFFFormat.self, JPEGFormat.self]
                        as [any FormatCodec.Type]
                    {
                        try rewrite(header.metadata, "\(folder.path)/rewritten", codec)
                    }
                }
            } catch let error as ImageError {
                refused += 1
                #expect(
                    error.message.contains("/seed-\(seed)") && error.kind != .noSuchFile,
                    "\(format), seed \(seed): \(error)")
            }
            let seconds = (ContinuousClock.now - began).components.seconds
            #expect(seconds < 20, "\(format), seed \(seed) takes \(seconds) s")
        }
        #expect(refused > count / 10 && refused < count, "\(format): \(refused) refused")
    }
}
