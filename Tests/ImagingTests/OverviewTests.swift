import Glibc
import Imaging
import Testing

/// Smaller copies behind an image, and files that have them.
@Suite struct OverviewTests {
    /// Reads a page with a number of pixels that is known.
    private func page(_ path: String, _ page: Int) throws -> any ImageSource {
        var options = ReadingOptions()
        options.page = page
        return try ImageFormats.open(path, options)
    }

    private func write(_ header: ImageHeader, _ bytes: [UInt8], _ path: String) throws {
        let sink = try ImageFormats.createSink(path, like: header, overwrite: true)
        let rowByteCount = header.width * header.pixelByteCount
        for top in stride(from: 0, to: header.height, by: 7) {
            let count = min(7, header.height - top)
            try bytes[top * rowByteCount..<(top + count) * rowByteCount].withUnsafeBytes {
                try sink.append(rowCount: count, samples: $0)
            }
        }
        try sink.finish()
    }

    @Test func `each overview is the mean of two by two pixels of the one before`() throws {
        let folder = try ScratchFolder()
        let path = folder.path + "/a.tif"
        for (width, height) in [(1027, 300), (257, 3), (513, 1), (1, 700)] {
            var header = ImageHeader(
                width: width, height: height, colorBands: 2, sampleType: .uint8, format: .tiff,
                tiffCompression: .lzw)
            header.colorModel = .gray
            header.hasOverviews = true
            header.tiffLayout = .tiles(width: 64, height: 32)
            var random = SeededGenerator(seed: width)
            var bytes = (0..<header.decodedByteCount).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            try write(header, bytes, path)
            var (levelWidth, levelHeight, index) = (width, height, 0)
            while max(levelWidth, levelHeight) > 256 {
                let former = (levelWidth, levelHeight)
                (levelWidth, levelHeight) = ((levelWidth + 1) / 2, (levelHeight + 1) / 2)
                index += 1
                var means: [UInt8] = []
                for y in 0..<levelHeight {
                    for x in 0..<levelWidth {
                        for band in 0..<2 {
                            var sum = 0
                            for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                                let column = min(2 * x + dx, former.0 - 1)
                                let row = min(2 * y + dy, former.1 - 1)
                                sum += Int(bytes[(row * former.0 + column) * 2 + band])
                            }
                            means.append(UInt8((Double(sum) / 4).rounded()))
                        }
                    }
                }
                let source = try page(path, index)
                #expect(source.header.width == levelWidth && source.header.height == levelHeight)
                #expect(source.header.tiffLayout == .tiles(width: 64, height: 32))
                bytes = try source.rawSamples()
                #expect(bytes == means, "\(width) x \(height), level \(index)")
            }
            #expect(throws: ImageError.self) { try page(path, index + 1) }
            #expect(folder.names == ["a.tif"])
        }
    }

    @Test func `missing samples do not count in a mean and stay missing among themselves`() throws {
        let folder = try ScratchFolder()
        let path = folder.path + "/a.tif"
        var header = ImageHeader(
            width: 512, height: 2, colorBands: 1, sampleType: .float32, format: .tiff,
            tiffCompression: TIFFCompression.none)
        header.hasOverviews = true
        header.metadata.nodata = -9999
        var values = [Float](repeating: 1, count: 1024)
        values[0] = -9999
        values[1] = 4
        values[512] = .nan
        values[513] = 6
        for place in [2, 3, 514, 515] { values[place] = -9999 }
        try write(header, values.withUnsafeBytes { Array($0) }, path)
        let source = try page(path, 1)
        #expect(source.header.metadata.nodata == -9999)
        let level = try source.rawSamples().withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
        #expect(Array(level[..<3]) == [5, -9999, 1])
    }

    @Test func `colours that cannot be seen do not count in a mean`() throws {
        let folder = try ScratchFolder()
        let path = folder.path + "/a.tif"
        for (alpha, mean) in [(AlphaKind.unassociated, UInt8(10)), (.associated, 105)] {
            var header = ImageHeader(
                width: 512, height: 1, colorBands: 1, alpha: alpha, sampleType: .uint8,
                format: .tiff, tiffCompression: .packBits)
            header.hasOverviews = true
            var bytes = [UInt8](repeating: 0, count: 1024)
            bytes.replaceSubrange(0..<4, with: [10, 255, 200, 0])
            try write(header, bytes, path)
            #expect(try Array(page(path, 1).rawSamples()[..<2]) == [mean, 128])
        }
    }

    @Test func `an image that is small enough has no overviews`() throws {
        let folder = try ScratchFolder()
        var header = ImageHeader(
            width: 256, height: 256, colorBands: 1, sampleType: .uint8, format: .tiff)
        header.hasOverviews = true
        let picture = Picture(header, seed: 1)
        try picture.write(folder.path + "/a.tif")
        let source = try ImageFormats.open(folder.path + "/a.tif")
        #expect(
            source.warnings == [] && source.header.tiffLayout == .tiles(width: 256, height: 256))
        #expect(try Picture(source).samples == picture.samples)
        #expect(throws: ImageError.self) {
            try ImageFormats.checkKind(folder.path + "/a.png", like: header)
        }
    }

    @Test func `tiles that no TIFF may have become usual ones`() throws {
        let folder = try ScratchFolder()
        for layout in [TIFFLayout.tiles(width: 20, height: 16), .tiles(width: 16, height: 1 << 30)]
        {
            var header = ImageHeader(
                width: 300, height: 270, colorBands: 1, sampleType: .uint8, format: .tiff)
            header.tiffLayout = layout
            let picture = Picture(header, seed: 1)
            try picture.write(folder.path + "/a.tif", overwrite: true)
            let source = try ImageFormats.open(folder.path + "/a.tif")
            #expect(source.header.tiffLayout == .tiles(width: 256, height: 256))
            #expect(try Picture(source).samples == picture.samples)
        }
    }

    /// Three directories over the same pixels, each with its NewSubfileType.
    private func chain(_ kinds: [Int]) -> [UInt8] {
        var bytes: [UInt8] = []
        for (index, kind) in kinds.enumerated() {
            var file = HandmadeTIFF(width: 2, height: index + 1, data: [1, 2, 3, 4, 5, 6, 7, 8])
            if kind > 0 { file.set(254, kind) }
            let own = file.bytes
            if index == 0 {
                bytes = own
                continue
            }
            // Directory and far values follow; strips lie at 8 in all.
            let directory = 16
            let offset = bytes.count
            let count = file.entries.count
            let nextPlace = lastNextPlace(bytes)
            bytes.replaceSubrange(nextPlace..<nextPlace + 4, with: little(offset))
            bytes += own[directory..<directory + 2 + 12 * count + 4]
        }
        return bytes
    }

    private func little(_ value: Int) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    private func lastNextPlace(_ bytes: [UInt8]) -> Int {
        let number = { (place: Int, count: Int) in
            bytes[place..<place + count].reversed().reduce(0) { $0 << 8 | Int($1) }
        }
        var place = 4
        while number(place, 4) != 0 {
            let directory = number(place, 4)
            place = directory + 2 + 12 * number(directory, 2)
        }
        return place
    }

    @Test func `the first page in full size is taken and what is beside it is named`() throws {
        let folder = try ScratchFolder()
        let cases: [(kinds: [Int], height: Int, words: [String])] = [
            ([0], 1, []), ([1, 0], 2, ["page 2 is used"]), ([0, 1, 1], 1, ["overviews"]),
            ([0, 4], 1, ["mask"]), ([4, 1, 0, 1], 3, ["page 3 is used", "overviews"]),
            ([0, 0], 1, ["more than one page"]), ([0, 5], 1, []),
            ([1, 1], 1, ["all its pages", "overviews"]),
        ]
        for (kinds, height, words) in cases {
            let source = try ImageFormats.open(folder.file("a.tif", chain(kinds)))
            #expect(source.header.height == height, "\(kinds)")
            #expect(source.warnings.count == words.count, "\(kinds): \(source.warnings)")
            for word in words {
                #expect(source.warnings.contains { $0.contains(word) }, "\(source.warnings)")
            }
        }
    }

    @Test func `a chain of pages that never ends is cut`() throws {
        let folder = try ScratchFolder()
        var bytes = chain([0, 0, 0])
        let place = lastNextPlace(bytes)
        let first = Array(bytes[4..<8])
        bytes.replaceSubrange(place..<place + 4, with: first)
        let source = try ImageFormats.open(folder.file("a.tif", bytes))
        #expect(source.warnings.count == 1 && source.warnings[0].contains("more than one page"))
        let error = #expect(throws: ImageError.self) { try page(folder.path + "/a.tif", 3) }
        #expect(error?.message.contains("has no page 4; it has 3") == true)
    }
}
