// A clearer picture of the same place, which the networks get as their input.

import DeepImagePrior
import Imaging
import JobStore

/// The guide of a restoration, opened and looked at.
struct Guide {
    let image: any ImageSource
    /// Of its colour samples: the same for a guide in another format.
    private let checksum: Checksum

    /// Bands that the networks get, without alpha.
    var bands: Int { image.header.colorBands }

    /// As in the job's settings.
    var words: String {
        let header = image.header
        return "\(header.kind), \(header.sampleType.rawValue), values \(header.values.low) to "
            + "\(header.values.high), with checksum \(checksum.hexadecimal)"
    }

    /// Opens a guide, decides about its values as about an image's, and reads it once.
    ///
    /// - Parameters:
    ///   - header: of the image, whose size the guide must have.
    ///   - cacheByteCount: memory for decoded pixels.
    /// - Throws: `ProgramError` for another size or too many bands, and what opening throws.
    init(_ path: String, of header: ImageHeader, cacheByteCount: Int) throws {
        var options = ReadingOptions()
        options.cacheByteCount = cacheByteCount
        let image = try ImageFormats.open(path, options)
        let own = image.header
        guard own.width == header.width, own.height == header.height else {
            throw ProgramError(
                .badInput,
                "\(path) cannot be the guide: it has \(own.width) x \(own.height) pixels, but the "
                    + "image has \(header.width) x \(header.height)")
        }
        guard own.colorBands <= FitProblem.bandCountMaximum else {
            throw ProgramError(
                .badInput,
                "\(path) cannot be the guide: it has \(own.colorBands) bands, and at most "
                    + "\(FitProblem.bandCountMaximum) work")
        }
        if own.sampleType.byteCount > 1, let measured = try image.measuredRange() {
            image.header.values = measured
        }
        self.image = image
        checksum = try Self.checksum(of: image)
    }

    private static func checksum(of image: any ImageSource) throws(ImageError) -> Checksum {
        let header = image.header
        var checksum = Checksum()
        let rowCount = max(1, min(header.height, (1 << 18) / (header.width * header.colorBands)))
        let pixels = UnsafeMutableBufferPointer<Float>.allocate(
            capacity: rowCount * header.width * header.colorBands)
        defer { pixels.deallocate() }
        for top in stride(from: 0, to: header.height, by: rowCount) {
            let rows = PixelRegion(
                x: 0, y: top, width: header.width, height: min(rowCount, header.height - top))
            let band = UnsafeMutableBufferPointer(
                rebasing: pixels[..<(rows.width * rows.height * header.colorBands)])
            try image.readColor(rows, into: band)
            checksum.add(UnsafeRawBufferPointer(band))
        }
        return checksum
    }
}
