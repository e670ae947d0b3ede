// A source that holds the whole image in memory, in the file's own samples.

import Glibc

/// Samples as (height, width, samplesPerPixel), native byte order, uninitialized until a format
/// fills them.
final class DecodedImage: ImageSource {
    let header: ImageHeader
    let warnings: [String]
    let samples: UnsafeMutableRawBufferPointer

    init(header: ImageHeader, warnings: [String], name: String) throws(ImageError) {
        // malloc, because it can say no; an array of this size would trap.
        let byteCount = header.decodedByteCount
        guard let memory = malloc(byteCount) else {
            throw ImageError(
                .tooLarge,
                "\(name): memory ran out for its \(header.width) x \(header.height) pixels "
                    + "(\(byteCount) bytes)")
        }
        self.header = header
        self.warnings = warnings
        samples = UnsafeMutableRawBufferPointer(start: memory, count: byteCount)
    }

    deinit { free(samples.baseAddress) }

    func readColor(_ region: PixelRegion, into pixels: UnsafeMutableBufferPointer<Float>)
        throws(ImageError)
    {
        precondition(
            region.x >= 0 && region.y >= 0 && region.x + region.width <= header.width
                && region.y + region.height <= header.height,
            "region \(region) of an image of \(header.width) x \(header.height)")
        precondition(pixels.count == region.width * region.height * header.colorBands)
        switch header.sampleType {
        case .uint8: convert(samples.assumingMemoryBound(to: UInt8.self), region, into: pixels)
        case .uint16: convert(samples.assumingMemoryBound(to: UInt16.self), region, into: pixels)
        }
    }

    private func convert<Sample: FixedWidthInteger & UnsignedInteger>(
        _ samples: UnsafeMutableBufferPointer<Sample>, _ region: PixelRegion,
        into pixels: UnsafeMutableBufferPointer<Float>
    ) {
        let (bands, stride) = (header.colorBands, header.samplesPerPixel)
        let maximum = Float(Sample.max)
        var to = 0
        for y in region.y..<region.y + region.height {
            var from = (y * header.width + region.x) * stride
            for _ in 0..<region.width {
                for band in 0..<bands { pixels[to + band] = Float(samples[from + band]) / maximum }
                from += stride
                to += bands
            }
        }
    }

    func readAlpha(rows: Range<Int>, into alpha: UnsafeMutableBufferPointer<UInt16>)
        throws(ImageError)
    {
        precondition(header.hasAlpha, "an image without alpha")
        precondition(rows.lowerBound >= 0 && rows.upperBound <= header.height)
        precondition(alpha.count == rows.count * header.width)
        let stride = header.samplesPerPixel
        let first = rows.lowerBound * header.width
        switch header.sampleType {
        case .uint8:
            let samples = samples.assumingMemoryBound(to: UInt8.self)
            for i in alpha.indices { alpha[i] = UInt16(samples[(first + i + 1) * stride - 1]) }
        case .uint16:
            let samples = samples.assumingMemoryBound(to: UInt16.self)
            for i in alpha.indices { alpha[i] = samples[(first + i + 1) * stride - 1] }
        }
    }
}
