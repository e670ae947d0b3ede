// An image, enlarged without restoring anything: what an upscaled one shows where no tile was
// restored, and the samples that are never restored.

/// Another image, a whole number of times larger.
///
/// Colours and alpha are interpolated bilinearly between the centres of pixels. A colour sample
/// that is missing (not finite, or the nodata value) becomes a square of missing ones, and beside
/// it the nearest sample is taken for itself, so that nothing is mixed with it.
public final class EnlargedSource: ImageSource {
    public var header: ImageHeader
    public var warnings: [String] { given.warnings }
    /// The image in its own size.
    public let given: any ImageSource
    public let factor: Int

    /// - Parameter factor: 1 to 8.
    /// - Throws: `unsupported` where the result would have too many pixels.
    public init(_ given: any ImageSource, factor: Int) throws(ImageError) {
        self.given = given
        self.factor = factor
        header = try given.header.enlarged(by: factor)
    }

    public func readRaw(_ region: PixelRegion, into samples: UnsafeMutableRawBufferPointer)
        throws(ImageError)
    {
        header.check(region, byteCount: samples.count)
        let own = given.header
        let columns = Axis(region.x..<region.x + region.width, factor, length: own.width)
        let rows = Axis(region.y..<region.y + region.height, factor, length: own.height)
        let part = PixelRegion(
            x: columns.from.lowerBound, y: rows.from.lowerBound, width: columns.from.count,
            height: rows.from.count)
        let raw = UnsafeMutableRawBufferPointer.allocate(
            byteCount: part.width * part.height * own.pixelByteCount, alignment: 16)
        defer { raw.deallocate() }
        try given.readRaw(part, into: raw)
        let from = UnsafeRawBufferPointer(raw)
        // One by one, so that the loop is compiled for each type.
        switch header.sampleType {
        case .uint8: interpolate(UInt8.self, from, columns, rows, samples)
        case .uint16: interpolate(UInt16.self, from, columns, rows, samples)
        case .uint32: interpolate(UInt32.self, from, columns, rows, samples)
        case .int8: interpolate(Int8.self, from, columns, rows, samples)
        case .int16: interpolate(Int16.self, from, columns, rows, samples)
        case .int32: interpolate(Int32.self, from, columns, rows, samples)
        case .float16: interpolate(Float16.self, from, columns, rows, samples)
        case .float32: interpolate(Float.self, from, columns, rows, samples)
        case .float64: interpolate(Double.self, from, columns, rows, samples)
        }
    }

    private func interpolate<Sample: ImageSample>(
        _: Sample.Type, _ from: UnsafeRawBufferPointer, _ columns: Axis, _ rows: Axis,
        _ to: UnsafeMutableRawBufferPointer
    ) {
        let (from, to) = (from.bindMemory(to: Sample.self), to.bindMemory(to: Sample.self))
        let (count, colors) = (header.samplesPerPixel, header.colorBands)
        let rowCount = columns.from.count * count
        let nodata = header.missingSample
        let isMissing = { (value: Double) in !value.isFinite || value == nodata }
        var place = 0
        for row in rows.places {
            for column in columns.places {
                for band in 0..<count {
                    let nearest = from[row.nearest * rowCount + column.nearest * count + band]
                    let (a, b) = (column.first * count + band, column.second * count + band)
                    let corners = (
                        from[row.first * rowCount + a].real, from[row.first * rowCount + b].real,
                        from[row.second * rowCount + a].real, from[row.second * rowCount + b].real
                    )
                    let above = corners.0 + column.weight * (corners.1 - corners.0)
                    let below = corners.2 + column.weight * (corners.3 - corners.2)
                    let value = above + row.weight * (below - above)
                    let isAlpha = band >= colors
                    let isKnown =
                        value.isFinite
                        && (isAlpha
                            || !(isMissing(corners.0) || isMissing(corners.1)
                                || isMissing(corners.2) || isMissing(corners.3)))
                    to[place] =
                        isKnown
                        ? Sample(nearest: value, beside: isAlpha ? .nan : nodata) : nearest
                    place += 1
                }
            }
        }
    }
}

/// Where the samples of a range of rows or columns come from.
private struct Axis {
    struct Place {
        /// The neighbours, counted from the beginning of `from`; the same at the image's rim.
        var first, second: Int
        /// Of the second one, 0 to below 1.
        var weight: Double
        var nearest: Int
    }

    /// Rows or columns of the image in its own size.
    let from: Range<Int>
    let places: [Place]

    init(_ range: Range<Int>, _ factor: Int, length: Int) {
        let lower = { (index: Int) in
            (2 * index + 1 - factor) >= 0
                ? (2 * index + 1 - factor) / (2 * factor) : -1
        }
        let first = max(lower(range.lowerBound), 0)
        from = first..<min(lower(range.upperBound - 1) + 2, length)
        let end = from.upperBound - 1
        places = range.map { index in
            // The centre of the pixel, in pixels of the image: (index + 1/2) / factor - 1/2.
            let below = lower(index)
            let offset = 2 * index + 1 - factor - 2 * factor * below
            return Place(
                first: max(below, 0) - first, second: min(below + 1, end) - first,
                weight: Double(offset) / Double(2 * factor), nearest: index / factor - first)
        }
    }
}
