// Numbers about the output's pixels, as an image.

internal import Imaging

/// A TIFF of one float32 band, which is there when it is complete.
final class FloatMap {
    private let sink: any ImageSink

    /// - Parameter header: of the image that the numbers are about; its place on the ground is
    ///   kept.
    init(_ path: String, of header: ImageHeader) throws(ImageError) {
        var own = ImageHeader(
            width: header.width, height: header.height, colorBands: 1, sampleType: .float32,
            format: .tiff, resolution: header.metadata.resolution,
            orientation: header.metadata.orientation, tiffCompression: .deflate)
        own.metadata.tags = header.metadata.tags.filter(\.isGeographic)
        sink = try ImageFormats.createSink(path, like: own, overwrite: true)
    }

    /// Takes the next full rows.
    func append(rowCount: Int, _ values: UnsafeBufferPointer<Float>) throws(ImageError) {
        try sink.append(rowCount: rowCount, samples: UnsafeRawBufferPointer(values))
    }

    func finish() throws(ImageError) { try sink.finish() }

    func abandon() { sink.abandon() }
}
