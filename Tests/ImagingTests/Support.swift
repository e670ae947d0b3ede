// What several tests of this target share: seeded numbers, a folder, a drawn image, reading one
// back.

import Glibc
import Imaging
import Testing

/// SplitMix64: the same numbers for the same seed everywhere.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: Int) { state = UInt64(truncatingIfNeeded: seed) &* 0x9E37_79B9_7F4A_7C15 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// A folder that goes with the test.
final class ScratchFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/imaging-tests-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer {
            $0.baseAddress.flatMap { mkdtemp($0) }
        }
        path = String(cString: try #require(made))
    }

    deinit {
        for name in names { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    /// Names of the files in the folder, hidden ones too, sorted.
    var names: [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names = [String]()
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        let path = "\(path)/\(name)"
        // Some file systems write a truncated and refilled file to the disk at once.
        unlink(path)
        let file = try #require(fopen(path, "w"))
        defer { fclose(file) }
        try #require(fwrite(bytes, 1, bytes.count, file) == bytes.count)
        return path
    }

    func bytes(_ name: String) throws -> [UInt8] {
        let file = try #require(fopen("\(path)/\(name)", "r"))
        defer { fclose(file) }
        fseek(file, 0, SEEK_END)
        var bytes = [UInt8](repeating: 0, count: ftell(file))
        rewind(file)
        try #require(fread(&bytes, 1, bytes.count, file) == bytes.count)
        return bytes
    }
}

/// Native samples of an image, (height, width, samplesPerPixel).
struct Picture: Equatable {
    var header: ImageHeader
    var samples: [UInt16]

    init(header: ImageHeader, samples: [UInt16]) {
        self.header = header
        self.samples = samples
    }

    /// Random samples.
    init(_ header: ImageHeader, seed: Int) {
        var generator = SeededGenerator(seed: seed)
        let maximum: UInt16 = header.sampleType == .uint8 ? 255 : 65535
        self.header = header
        samples = (0..<header.width * header.height * header.samplesPerPixel).map { _ in
            UInt16.random(in: 0...maximum, using: &generator)
        }
    }

    /// What a source delivers.
    init(_ source: any ImageSource) throws {
        let header = source.header
        let whole = PixelRegion(x: 0, y: 0, width: header.width, height: header.height)
        let color = try pixels(source, whole)
        var alpha = [UInt16](repeating: 0, count: header.width * header.height)
        if header.hasAlpha {
            try alpha.withUnsafeMutableBufferPointer {
                try source.readAlpha(rows: 0..<header.height, into: $0)
            }
        }
        self.header = header
        samples = []
        for pixel in alpha.indices {
            for band in 0..<header.colorBands {
                let value = color[pixel * header.colorBands + band] * header.sampleType.maximum
                samples.append(UInt16(value.rounded()))
            }
            if header.hasAlpha { samples.append(alpha[pixel]) }
        }
    }

    /// Colour samples in [0, 1], (height, width, colorBands).
    var color: [Float] {
        samples.indices.filter { $0 % header.samplesPerPixel < header.colorBands }
            .map { Float(samples[$0]) / header.sampleType.maximum }
    }

    var alpha: [UInt16]? {
        guard header.hasAlpha else { return nil }
        return samples.indices.filter { $0 % header.samplesPerPixel == header.colorBands }
            .map { samples[$0] }
    }

    /// Writes the picture, some rows at a time.
    @discardableResult
    func write(_ path: String, like header: ImageHeader? = nil, overwrite: Bool = false) throws
        -> [String]
    {
        let header = header ?? self.header
        let sink = try ImageFormats.createSink(path, like: header, overwrite: overwrite)
        let (color, alpha) = (color, alpha)
        for first in stride(from: 0, to: header.height, by: 5) {
            let rows = first..<min(first + 5, header.height)
            let pixels = rows.lowerBound * header.width..<rows.upperBound * header.width
            let bands = header.colorBands
            try color[pixels.lowerBound * bands..<pixels.upperBound * bands]
                .withUnsafeBufferPointer { color in
                    guard let alpha else {
                        return try sink.append(rowCount: rows.count, color: color, alpha: nil)
                    }
                    try alpha[pixels].withUnsafeBufferPointer {
                        try sink.append(rowCount: rows.count, color: color, alpha: $0)
                    }
                }
        }
        try sink.finish()
        return sink.warnings
    }
}

func pixels(_ source: any ImageSource, _ region: PixelRegion) throws -> [Float] {
    var pixels = [Float](
        repeating: -1, count: region.width * region.height * source.header.colorBands)
    try pixels.withUnsafeMutableBufferPointer { try source.readColor(region, into: $0) }
    return pixels
}

/// A source in memory, for what needs no file.
final class PictureSource: ImageSource {
    let picture: Picture
    private let color: [Float]
    var header: ImageHeader { picture.header }
    let warnings: [String] = []

    init(_ picture: Picture) {
        self.picture = picture
        color = picture.color
    }

    func readColor(_ region: PixelRegion, into pixels: UnsafeMutableBufferPointer<Float>)
        throws(ImageError)
    {
        let bands = header.colorBands
        var to = 0
        for y in region.y..<region.y + region.height {
            let from = (y * header.width + region.x) * bands
            for i in 0..<region.width * bands {
                pixels[to] = color[from + i]
                to += 1
            }
        }
    }

    func readAlpha(rows: Range<Int>, into alpha: UnsafeMutableBufferPointer<UInt16>)
        throws(ImageError)
    {
        let values = picture.alpha ?? []
        for i in alpha.indices { alpha[i] = values[rows.lowerBound * header.width + i] }
    }
}
