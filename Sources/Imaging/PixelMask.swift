// Which pixels of an image are missing, told beside its samples.

/// Missing and known pixels, from the white of another image or from the image's own alpha. Read by
/// region, as images are.
public final class PixelMask {
    /// What marks a pixel.
    public enum Meaning: Sendable {
        /// White, which is above half of what a sample can hold, is missing.
        case whiteIsMissing
        case whiteIsKnown
    }

    private enum Kind { case missing, known, transparent }

    /// As it is called in sentences.
    public let name: String
    private let image: any ImageSource
    private let kind: Kind

    /// Whether alpha says what is missing.
    public var isAlpha: Bool { kind == .transparent }

    /// Opens a mask: gray or RGB with equal bands, integers of 8 or 16 bits (fewer are expanded),
    /// of the image's size.
    ///
    /// - Throws: as `ImageFormats.open`, and `unsupported` for an image that cannot be a mask of
    ///   one with this header.
    public init(
        _ path: String, _ meaning: Meaning, of header: ImageHeader, _ options: ReadingOptions
    ) throws(ImageError) {
        let mask = try ImageFormats.open(path, options)
        let own = mask.header
        guard !own.hasAlpha, own.colorBands == 1 || own.colorModel == .rgb && own.colorBands == 3,
            own.sampleType == .uint8 || own.sampleType == .uint16
        else {
            throw ImageError(
                .unsupported,
                "\(path) cannot be a mask: it is \(own.kind)\(own.hasAlpha ? " with alpha" : ""), "
                    + "\(own.sampleType.rawValue); black and white of 1, 8 or 16 bits is wanted, "
                    + "without alpha")
        }
        guard own.width == header.width, own.height == header.height else {
            throw ImageError(
                .unsupported,
                "\(path) cannot be a mask: it has \(own.width) x \(own.height) pixels, but the "
                    + "image has \(header.width) x \(header.height)")
        }
        name = path
        image = mask
        kind = meaning == .whiteIsMissing ? .missing : .known
    }

    /// The pixels of an image whose alpha is 0; nil where it has no alpha.
    public init?(alphaOf image: any ImageSource, name: String) {
        guard image.header.hasAlpha else { return nil }
        self.name = "the alpha of \(name)"
        self.image = image
        kind = .transparent
    }

    /// Marks the pixels of a region inside the image: 1 where one is missing, else 0; (H, W).
    ///
    /// - Throws: what reading throws, and `unsupported` at a pixel with a colour.
    public func read(_ region: PixelRegion, into marks: UnsafeMutableBufferPointer<UInt8>)
        throws(ImageError)
    {
        precondition(marks.count == region.width * region.height)
        let rowByteCount = region.width * image.header.pixelByteCount
        let rowCount = max(1, min(region.height, (256 << 10) / max(rowByteCount, 1)))
        let memory = UnsafeMutableRawBufferPointer.allocate(
            byteCount: rowCount * rowByteCount, alignment: 16)
        defer { memory.deallocate() }
        for top in stride(from: 0, to: region.height, by: rowCount) {
            let count = min(rowCount, region.height - top)
            let raw = UnsafeMutableRawBufferPointer(rebasing: memory[..<(count * rowByteCount)])
            let rows = PixelRegion(
                x: region.x, y: region.y + top, width: region.width, height: count)
            try image.readRaw(rows, into: raw)
            let part = marks[top * region.width..<(top + count) * region.width]
            let colored = mark(
                UnsafeRawBufferPointer(raw), UnsafeMutableBufferPointer(rebasing: part))
            if let colored {
                throw ImageError(
                    .unsupported,
                    "\(name) cannot be a mask: it has a colour in column "
                        + "\(rows.x + colored % rows.width), row \(rows.y + colored / rows.width); "
                        + "black and white is wanted")
            }
        }
    }

    /// - Returns: The first pixel whose bands are not equal.
    private func mark(
        _ raw: UnsafeRawBufferPointer, _ marks: UnsafeMutableBufferPointer<UInt8>
    ) -> Int? {
        let header = image.header
        let (size, stride) = (header.sampleType.byteCount, header.pixelByteCount)
        if kind == .transparent {
            for pixel in marks.indices {
                let alpha = pixel * stride + header.colorBands * size
                marks[pixel] = (alpha..<alpha + size).allSatisfy { raw[$0] == 0 } ? 1 : 0
            }
            return nil
        }
        let white: UInt8 = kind == .missing ? 1 : 0
        for pixel in marks.indices {
            let place = pixel * stride
            for other in Swift.stride(from: size, to: stride, by: size)
            where !(0..<size).allSatisfy({ raw[place + $0] == raw[place + other + $0] }) {
                return pixel
            }
            // Samples are little-endian: the highest bit of the last byte says what is above half.
            marks[pixel] = raw[place + size - 1] >= 128 ? white : 1 - white
        }
        return nil
    }
}

/// An image of which a mask says that pixels are missing. Its samples are the file's own; its
/// numbers are NaN in all bands of those pixels.
public final class MaskedSource: ImageSource {
    public var header: ImageHeader {
        get { image.header }
        set { image.header = newValue }
    }
    public var warnings: [String] { image.warnings }
    public let mask: PixelMask
    private let image: any ImageSource

    /// - Parameter mask: of the image's size.
    public init(_ image: any ImageSource, _ mask: PixelMask) {
        self.image = image
        self.mask = mask
    }

    public func readRaw(_ region: PixelRegion, into samples: UnsafeMutableRawBufferPointer)
        throws(ImageError)
    {
        try image.readRaw(region, into: samples)
    }

    public func hideMissing(
        in region: PixelRegion, of pixels: UnsafeMutableBufferPointer<Float>
    ) throws(ImageError) {
        let marks = UnsafeMutableBufferPointer<UInt8>.allocate(
            capacity: region.width * region.height)
        defer { marks.deallocate() }
        try mask.read(region, into: marks)
        let bands = header.colorBands
        for pixel in marks.indices where marks[pixel] != 0 {
            for band in 0..<bands { pixels[pixel * bands + band] = .nan }
        }
    }
}

extension ImageHeader {
    /// Makes transparent pixels (alpha 0) opaque where they were restored.
    ///
    /// - Parameters:
    ///   - color: (pixels, C); NaN where a pixel stays.
    ///   - isRestored: (pixels), 0 where the pixel stays.
    ///   - samples: (pixels, samplesPerPixel).
    public func makeOpaque(
        _ color: UnsafeBufferPointer<Float>, isRestored: UnsafeBufferPointer<UInt8>,
        in samples: UnsafeMutableRawBufferPointer
    ) {
        let opaque = sampleType.bytes(nearest: sampleType.range.high)
        for pixel in isRestored.indices
        where isRestored[pixel] != 0 && !color[pixel * colorBands].isNaN {
            let start = pixel * pixelByteCount + colorBands * sampleType.byteCount
            let place = start..<start + opaque.count
            if place.allSatisfy({ samples[$0] == 0 }) {
                UnsafeMutableRawBufferPointer(rebasing: samples[place]).copyBytes(from: opaque)
            }
        }
    }
}
