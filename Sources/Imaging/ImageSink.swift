/// An image that is written from top to bottom. It appears at its path when `finish` returns,
/// complete.
///
/// A sink that is dropped before that leaves nothing behind.
public protocol ImageSink: AnyObject {
    /// Sentences for the user about what of the header the output's format cannot hold.
    var warnings: [String] { get }

    /// Writes the next rows, (rowCount, W, samplesPerPixel) in the header's samples, as they are:
    /// `ImageHeader.encode` has put restored pixels among them.
    func append(rowCount: Int, samples: UnsafeRawBufferPointer) throws(ImageError)

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

/// The sink of every format: rows to its encoder, a temporary file, a rename.
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

    func append(rowCount: Int, samples: UnsafeRawBufferPointer) throws(ImageError) {
        precondition(samples.count == rowCount * header.width * header.pixelByteCount)
        precondition(writtenRowCount + rowCount <= header.height, "more rows than the image has")
        writtenRowCount += rowCount
        guard encoder.wantsUnassociatedAlpha, header.alpha == .associated else {
            return try encoder.write(rowCount: rowCount, samples: samples)
        }
        let divided = UnsafeMutableRawBufferPointer.allocate(
            byteCount: samples.count, alignment: 16)
        defer { divided.deallocate() }
        divided.copyMemory(from: samples)
        header.sampleType.withSample { divideByAlpha($0, divided) }
        try encoder.write(rowCount: rowCount, samples: UnsafeRawBufferPointer(divided))
    }

    private func divideByAlpha<Sample: ImageSample>(
        _: Sample.Type, _ raw: UnsafeMutableRawBufferPointer
    ) {
        let samples = raw.assumingMemoryBound(to: Sample.self)
        let (bands, maximum) = (header.colorBands, header.sampleType.range.high)
        for first in stride(from: 0, to: samples.count, by: bands + 1) {
            let alpha = samples[first + bands].real
            for place in first..<first + bands {
                let value = alpha == 0 ? 0 : samples[place].real * maximum / alpha
                samples[place] = Sample(nearest: value)
            }
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
