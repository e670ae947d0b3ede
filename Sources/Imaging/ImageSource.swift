import Glibc

/// An image whose samples can be read region by region, by several threads too.
public protocol ImageSource: AnyObject {
    /// Its `values` are how the float view sees the samples.
    var header: ImageHeader { get set }

    /// Sentences for the user about what this source leaves out, such as further pages of a file.
    var warnings: [String] { get }

    /// Reads a region inside the image as (H, W, samplesPerPixel) in the file's own samples.
    func readRaw(_ region: PixelRegion, into samples: UnsafeMutableRawBufferPointer)
        throws(ImageError)

    /// Puts NaN in the place of those numbers of a region, (H, W, C), that are missing although
    /// their samples do not say so.
    func hideMissing(in region: PixelRegion, of pixels: UnsafeMutableBufferPointer<Float>)
        throws(ImageError)
}

extension ImageSource {
    /// An image by itself says it in its samples.
    public func hideMissing(
        in region: PixelRegion, of pixels: UnsafeMutableBufferPointer<Float>
    ) throws(ImageError) {}

    /// Reads the colour samples of a region inside the image as (H, W, C), mapped by the header's
    /// values, one mapping for the whole image. What is missing is NaN.
    public func readColor(_ region: PixelRegion, into pixels: UnsafeMutableBufferPointer<Float>)
        throws(ImageError)
    {
        precondition(pixels.count == region.width * region.height * header.colorBands)
        let rowByteCount = region.width * header.pixelByteCount
        // A few rows at a time: the samples beside the numbers cost little.
        let rowCount = max(1, min(region.height, (256 << 10) / max(rowByteCount, 1)))
        guard let memory = malloc(rowCount * rowByteCount) else {
            throw ImageError(.tooLarge, "memory ran out for rows of \(region.width) pixels")
        }
        defer { free(memory) }
        var top = 0
        while top < region.height {
            let count = min(rowCount, region.height - top)
            let raw = UnsafeMutableRawBufferPointer(start: memory, count: count * rowByteCount)
            try readRaw(
                PixelRegion(x: region.x, y: region.y + top, width: region.width, height: count),
                into: raw)
            let first = top * region.width * header.colorBands
            let part = pixels[first..<first + count * region.width * header.colorBands]
            header.decode(
                UnsafeRawBufferPointer(raw), into: UnsafeMutableBufferPointer(rebasing: part))
            top += count
        }
        try hideMissing(in: region, of: pixels)
    }

    /// Reads the window of a tile as fits see it: as `readWindow`, but values beyond the range are
    /// its ends.
    public func readClampedWindow(
        _ tile: TilePlan.Tile, into pixels: UnsafeMutableBufferPointer<Float>
    ) throws(ImageError) {
        try readWindow(tile, into: pixels)
        // NaN is neither.
        for place in pixels.indices where pixels[place] < 0 || pixels[place] > 1 {
            pixels[place] = pixels[place] < 0 ? 0 : 1
        }
    }

    /// Reads the window of a tile as (H, W, C) in [0, 1]; what is missing is NaN.
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
