/// An image that is written from top to bottom. It appears at its path when `finish` returns,
/// complete.
///
/// A sink that is dropped before that leaves nothing behind.
public protocol ImageSink: AnyObject {
    /// Sentences for the user about what of the header the output's format cannot hold.
    var warnings: [String] { get }

    /// Writes the next rows.
    ///
    /// - Parameters:
    ///   - color: (rowCount, W, C) in [0, 1]; scaled to the sample's maximum, rounded to nearest,
    ///     clamped.
    ///   - alpha: (rowCount, W) in the file's own scale; exactly when the header has alpha.
    func append(
        rowCount: Int, color: UnsafeBufferPointer<Float>, alpha: UnsafeBufferPointer<UInt16>?
    ) throws(ImageError)

    /// Completes the file after the last row and syncs it, but leaves it beside its place.
    ///
    /// - Returns: where it lies until ``finish()`` puts it at its place.
    func complete() throws(ImageError) -> String

    /// Completes the file, if that has not been done, and puts it at its place.
    func finish() throws(ImageError)

    /// Removes what was written; does nothing after `finish`.
    func abandon()
}

/// What a format does for a sink: encode rows of native samples into an open file.
protocol RowEncoder: AnyObject {
    var warnings: [String] { get }
    /// Whether colours multiplied by alpha must be divided by it, because the format knows no
    /// others.
    var wantsUnassociatedAlpha: Bool { get }
    /// Rows as (rowCount, W, samplesPerPixel), native byte order.
    func write(rowCount: Int, samples: UnsafeRawBufferPointer) throws(ImageError)
    func finish() throws(ImageError)
}

/// The sink of every format: floats to samples, a temporary file, a rename.
final class EncodedImageSink: ImageSink {
    private let header: ImageHeader
    private let file: OutputFile
    private let encoder: any RowEncoder
    private var writtenRowCount = 0
    private var isComplete = false

    init(header: ImageHeader, file: OutputFile, encoder: any RowEncoder) {
        self.header = header
        self.file = file
        self.encoder = encoder
    }

    var warnings: [String] { encoder.warnings }

    func append(
        rowCount: Int, color: UnsafeBufferPointer<Float>, alpha: UnsafeBufferPointer<UInt16>?
    ) throws(ImageError) {
        let pixelCount = rowCount * header.width
        precondition(color.count == pixelCount * header.colorBands)
        precondition(
            (alpha != nil) == header.hasAlpha && (alpha?.count ?? pixelCount) == pixelCount)
        precondition(writtenRowCount + rowCount <= header.height, "more rows than the image has")
        let byteCount = pixelCount * header.samplesPerPixel * header.sampleType.byteCount
        let samples = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 16)
        defer { samples.deallocate() }
        switch header.sampleType {
        case .uint8: quantize(color, alpha, into: samples.bindMemory(to: UInt8.self))
        case .uint16: quantize(color, alpha, into: samples.bindMemory(to: UInt16.self))
        }
        try encoder.write(rowCount: rowCount, samples: UnsafeRawBufferPointer(samples))
        writtenRowCount += rowCount
    }

    private func quantize<Sample: FixedWidthInteger & UnsignedInteger>(
        _ color: UnsafeBufferPointer<Float>, _ alpha: UnsafeBufferPointer<UInt16>?,
        into samples: UnsafeMutableBufferPointer<Sample>
    ) {
        let (bands, stride) = (header.colorBands, header.samplesPerPixel)
        let maximum = Float(Sample.max)
        guard let alpha else {
            for i in color.indices { samples[i] = nearestSample(color[i] * maximum) }
            return
        }
        let divides = encoder.wantsUnassociatedAlpha && header.alpha == .associated
        for i in alpha.indices {
            let scale =
                divides ? (alpha[i] == 0 ? 0 : maximum * maximum / Float(alpha[i])) : maximum
            for band in 0..<bands {
                samples[i * stride + band] = nearestSample(color[i * bands + band] * scale)
            }
            samples[i * stride + bands] = Sample(truncatingIfNeeded: alpha[i])
        }
    }

    func complete() throws(ImageError) -> String {
        guard !isComplete else { return file.temporaryPath }
        precondition(
            writtenRowCount == header.height, "\(writtenRowCount) of \(header.height) rows")
        try encoder.finish()
        try file.sync()
        isComplete = true
        return file.temporaryPath
    }

    func finish() throws(ImageError) {
        _ = try complete()
        try file.commit()
    }

    func abandon() { file.discard() }
}

/// The nearest sample; not a number becomes 0.
@inline(__always)
private func nearestSample<Sample: FixedWidthInteger & UnsignedInteger>(_ value: Float) -> Sample {
    let maximum = Float(Sample.max)
    let clamped = value > 0 ? (value < maximum ? value : maximum) : 0
    let whole = Int32(clamped)
    return Sample(truncatingIfNeeded: clamped - Float(whole) >= 0.5 ? whole + 1 : whole)
}
