// What a file says, as of an image whose pixels are smaller by a whole factor.

extension PixelRegion {
    /// The same part of an image that is so many times larger.
    public func enlarged(by factor: Int) -> PixelRegion {
        PixelRegion(
            x: x * factor, y: y * factor, width: width * factor, height: height * factor)
    }

    /// The same part of an image that is so many times smaller; place and sides are multiples of
    /// the factor.
    public func reduced(by factor: Int) -> PixelRegion {
        precondition([x, y, width, height].allSatisfy { $0.isMultiple(of: factor) })
        return PixelRegion(
            x: x / factor, y: y / factor, width: width / factor, height: height / factor)
    }
}

extension TilePlan.Tile {
    /// The same window in an image that is so many times smaller; place and sides are multiples of
    /// the factor.
    public func reduced(by factor: Int) -> TilePlan.Tile {
        let part = PixelRegion(x: x, y: y, width: width, height: height).reduced(by: factor)
        return TilePlan.Tile(
            index: index, column: column, row: row, x: part.x, y: part.y, width: part.width,
            height: part.height)
    }
}

extension ImageHeader {
    /// As of the same image with `factor` times as many pixels along both axes. Its resolution
    /// grows with it; what places it on the ground still does, and what tells of places in pixels
    /// (EXIF's subject) tells of the same ones.
    ///
    /// - Throws: `unsupported` where that is more than 2^31 - 1 pixels a side, or 2^40 bytes.
    public func enlarged(by factor: Int) throws(ImageError) -> ImageHeader {
        var header = self
        (header.width, header.height) = (width * factor, height * factor)
        let sides = 1...Int(Int32.max)
        guard sides.contains(header.width), sides.contains(header.height),
            header.width <= (1 << 40) / header.pixelByteCount / header.height
        else {
            throw ImageError(
                .unsupported,
                "an image of \(width) x \(height) pixels cannot be enlarged \(factor) times: that "
                    + "would be more than can be written")
        }
        header.metadata = metadata.enlarged(by: factor)
        return header
    }
}

extension Metadata {
    fileprivate func enlarged(by factor: Int) -> Metadata {
        var metadata = self
        if let resolution, resolution.unit != .ratio {
            metadata.resolution = Resolution(
                x: resolution.x * Double(factor), y: resolution.y * Double(factor),
                unit: resolution.unit)
        }
        // Where coordinates name the centres of pixels, the first one's has moved.
        let shift = hasPointRaster ? Double(factor - 1) / 2 : 0
        metadata.tags = tags.map { $0.enlarged(by: Double(factor), shift: shift) }
        metadata.exifTags = exifTags.compactMap { $0.enlargedInExif(by: factor) }
        metadata.changeXML { SizesInXML.enlarged($0, by: factor) }
        return metadata
    }

    /// Whether GeoTIFF's coordinates name the centres of pixels and not their corners: the key
    /// GTRasterTypeGeoKey is RasterPixelIsPoint.
    private var hasPointRaster: Bool {
        guard let keys = tags.first(where: { $0.number == 34735 && $0.kind == .short }) else {
            return false
        }
        let words = keys.shorts
        return stride(from: 4, to: words.count - 3, by: 4).contains { place in
            words[place] == 1025 && words[place + 1] == 0 && words[place + 3] == 2
        }
    }
}

extension MetadataTag {
    fileprivate var shorts: [UInt16] {
        bytes.withUnsafeBytes { raw in
            (0..<raw.count / 2).map { raw.loadUnaligned(fromByteOffset: 2 * $0, as: UInt16.self) }
        }
    }

    /// GeoTIFF's tags for an image in which column c has become factor * c + shift, and so with
    /// rows; any other tag as it is.
    fileprivate func enlarged(by factor: Double, shift: Double) -> MetadataTag {
        guard kind == .double else { return self }
        var values = bytes.withUnsafeBytes { raw in
            (0..<count).map { raw.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
        }
        switch Int(number) {
        case 33550 where values.count >= 2:
            // ModelPixelScale: the ground that a pixel covers.
            values[0] /= factor
            values[1] /= factor
        case 33922:
            // ModelTiepoint: column, row and depth in the image, then the point on the ground.
            for point in 0..<values.count / 6 {
                values[6 * point] = values[6 * point] * factor + shift
                values[6 * point + 1] = values[6 * point + 1] * factor + shift
            }
        case 34264 where values.count == 16:
            // ModelTransformation: ground = matrix times (column, row, depth, 1).
            for row in stride(from: 0, to: 12, by: 4) {
                values[row] /= factor
                values[row + 1] /= factor
                values[row + 3] -= (values[row] + values[row + 1]) * shift
            }
        case 50844 where values.count >= 9:
            // RPC coefficients: biases, the row and the column to which the ground's origin is
            // mapped, which name centres, three of the ground, and how far rows and columns go.
            let centre = (factor - 1) / 2
            values[2] = values[2] * factor + centre
            values[3] = values[3] * factor + centre
            values[7] *= factor
            values[8] *= factor
        default: return self
        }
        return MetadataTag(
            number: number, kind: kind, bytes: values.withUnsafeBytes { Array($0) })
    }

    /// EXIF's places and densities in pixels; nil where the tag cannot hold the larger number.
    fileprivate func enlargedInExif(by factor: Int) -> MetadataTag? {
        switch (Int(number), kind) {
        case (37396, .short), (41492, .short):
            // SubjectArea, SubjectLocation: column, row and sizes.
            let words = shorts.map { Int($0) * factor }
            guard words.allSatisfy({ $0 <= Int(UInt16.max) }) else { return nil }
            return MetadataTag(
                number: number, kind: kind,
                bytes: words.map { UInt16($0) }.withUnsafeBytes { Array($0) })
        case (41486, .rational), (41487, .rational):
            // FocalPlaneXResolution, FocalPlaneYResolution: pixels per unit of the sensor.
            var words = bytes.withUnsafeBytes { raw in
                (0..<raw.count / 4).map {
                    raw.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)
                }
            }
            for place in stride(from: 0, to: words.count, by: 2) {
                let (product, overflow) = words[place].multipliedReportingOverflow(
                    by: UInt32(factor))
                guard !overflow else { return nil }
                words[place] = product
            }
            return MetadataTag(
                number: number, kind: kind, bytes: words.withUnsafeBytes { Array($0) })
        default: return self
        }
    }
}
