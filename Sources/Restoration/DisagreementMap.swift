// Where neighbouring tiles disagree, as an image.

internal import Imaging

/// A TIFF of one float32 band: at each pixel the root mean square over the bands of the difference
/// between the tiles that overlap there, in [0, 1], the greatest where several pairs do; else 0.
final class DisagreementMap {
    private let sink: any ImageSink

    /// - Parameter header: of the image that the tiles make; its place on the ground is kept.
    init(_ path: String, of header: ImageHeader) throws(ImageError) {
        var own = ImageHeader(
            width: header.width, height: header.height, colorBands: 1, sampleType: .float32,
            format: .tiff, resolution: header.metadata.resolution,
            orientation: header.metadata.orientation, tiffCompression: .deflate)
        own.metadata.tags = header.metadata.tags.filter(\.isGeographic)
        sink = try ImageFormats.createSink(path, like: own, overwrite: true)
    }

    func append(_ rows: Range<Int>, _ values: UnsafeBufferPointer<Float>) throws(ImageError) {
        try sink.append(rowCount: rows.count, samples: UnsafeRawBufferPointer(values))
    }

    func finish() throws(ImageError) { try sink.finish() }

    func abandon() { sink.abandon() }
}
