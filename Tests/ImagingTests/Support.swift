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
                let value =
                    color[pixel * header.colorBands + band] * Float(header.sampleType.range.high)
                samples.append(UInt16(value.rounded()))
            }
            if header.hasAlpha { samples.append(alpha[pixel]) }
        }
    }

    /// Colour samples in [0, 1], (height, width, colorBands).
    var color: [Float] {
        samples.indices.filter { $0 % header.samplesPerPixel < header.colorBands }
            .map { Float(samples[$0]) / Float(header.sampleType.range.high) }
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
                    let alpha = alpha.map { Array($0[pixels]) }
                    try sink.append(rowCount: rows.count, color, alpha: alpha, header)
                }
        }
        try sink.finish()
        return sink.warnings
    }
}

extension ImageSink {
    /// Rows from numbers in [0, 1] and alpha samples.
    func append(
        rowCount: Int, _ color: UnsafeBufferPointer<Float>, alpha: [UInt16]? = nil,
        _ header: ImageHeader
    ) throws {
        var bytes = [UInt8](repeating: 0, count: rowCount * header.width * header.pixelByteCount)
        try bytes.withUnsafeMutableBytes { raw in
            let place = { (pixel: Int) in pixel * header.samplesPerPixel + header.colorBands }
            for (pixel, value) in (alpha ?? []).enumerated() {
                if header.sampleType == .uint8 {
                    raw[place(pixel)] = UInt8(value)
                } else {
                    raw.storeBytes(of: value, toByteOffset: 2 * place(pixel), as: UInt16.self)
                }
            }
            header.encode(color, into: raw)
            try append(rowCount: rowCount, samples: UnsafeRawBufferPointer(raw))
        }
    }
}

extension ImageSource {
    /// The bytes of all samples of a region, or of the whole image.
    func rawSamples(_ region: PixelRegion? = nil) throws -> [UInt8] {
        let region =
            region ?? PixelRegion(x: 0, y: 0, width: header.width, height: header.height)
        // What is not written stays 7.
        var bytes = [UInt8](
            repeating: 7, count: region.width * region.height * header.pixelByteCount)
        try bytes.withUnsafeMutableBytes { try readRaw(region, into: $0) }
        return bytes
    }

    /// Alpha of full rows, of images with unsigned samples of 8 or 16 bits.
    func readAlpha(rows: Range<Int>, into alpha: UnsafeMutableBufferPointer<UInt16>) throws {
        let region = PixelRegion(
            x: 0, y: rows.lowerBound, width: header.width, height: rows.count)
        var bytes = [UInt8](repeating: 0, count: alpha.count * header.pixelByteCount)
        try bytes.withUnsafeMutableBytes { raw in
            try readRaw(region, into: raw)
            for i in alpha.indices {
                let place = i * header.samplesPerPixel + header.colorBands
                alpha[i] =
                    header.sampleType == .uint8
                    ? UInt16(raw[place])
                    : raw.load(fromByteOffset: 2 * place, as: UInt16.self)
            }
        }
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
    var header: ImageHeader
    let warnings: [String] = []

    init(_ picture: Picture) {
        self.picture = picture
        header = picture.header
    }

    func readRaw(_ region: PixelRegion, into samples: UnsafeMutableRawBufferPointer)
        throws(ImageError)
    {
        let stride = header.samplesPerPixel
        var to = 0
        for y in region.y..<region.y + region.height {
            let from = (y * header.width + region.x) * stride
            for value in picture.samples[from..<from + region.width * stride] {
                if header.sampleType == .uint8 {
                    samples[to] = UInt8(value)
                } else {
                    samples.storeBytes(of: value, toByteOffset: 2 * to, as: UInt16.self)
                }
                to += 1
            }
        }
    }
}
