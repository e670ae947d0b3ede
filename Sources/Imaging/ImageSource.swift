/// An image whose pixels can be read region by region.
///
/// Colour samples are mapped to [0, 1] by sample / maximum, one mapping for the whole image.
public protocol ImageSource: AnyObject {
    var header: ImageHeader { get }

    /// Sentences for the user about what this source leaves out, such as further pages of a file.
    var warnings: [String] { get }

    /// Reads the colour samples of a region inside the image as (H, W, C) in [0, 1].
    func readColor(_ region: PixelRegion, into pixels: UnsafeMutableBufferPointer<Float>)
        throws(ImageError)

    /// Reads the alpha samples of full rows as (H, W), in the file's own scale (0 ... 255 or 0
    /// ... 65535). Only for images with alpha.
    func readAlpha(rows: Range<Int>, into alpha: UnsafeMutableBufferPointer<UInt16>)
        throws(ImageError)
}

extension ImageSource {
    /// Reads the window of a tile as (H, W, C) in [0, 1].
    ///
    /// A window larger than the image (on the right or below) goes on as a mirror image that does
    /// not repeat the edge pixel, mirrored again as often as needed.
    public func readWindow(
        _ tile: TilePlan.Tile, into pixels: UnsafeMutableBufferPointer<Float>
    ) throws(ImageError) {
        let bands = header.colorBands
        let inside = PixelRegion(
            x: tile.x, y: tile.y, width: min(tile.width, header.width - tile.x),
            height: min(tile.height, header.height - tile.y))
        precondition(pixels.count == tile.width * tile.height * bands)
        if inside.width == tile.width && inside.height == tile.height {
            return try readColor(inside, into: pixels)
        }
        let scratch = UnsafeMutableBufferPointer<Float>.allocate(
            capacity: inside.width * inside.height * bands)
        defer { scratch.deallocate() }
        try readColor(inside, into: scratch)
        for y in 0..<tile.height {
            let sourceRow = mirrored(y, count: inside.height) * inside.width
            for x in 0..<tile.width {
                let from = (sourceRow + mirrored(x, count: inside.width)) * bands
                let to = (y * tile.width + x) * bands
                for band in 0..<bands { pixels[to + band] = scratch[from + band] }
            }
        }
    }
}

/// The index inside 0 ..< count that a mirror at both ends maps `index` >= 0 to: 0 1 2 1 0 1 2
/// for count 3.
func mirrored(_ index: Int, count: Int) -> Int {
    guard count > 1 else { return 0 }
    let period = 2 * (count - 1)
    let offset = index % period
    return offset < count ? offset : period - offset
}
