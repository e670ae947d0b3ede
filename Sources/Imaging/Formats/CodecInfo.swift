// Between the C codecs' description of an image and ours.

import CImageCodecs

extension ImageError {
    /// The error of a failed codec call; the codec's line follows the file's name.
    init(_ status: codec_status, _ message: codec_message, name: String) {
        let text = withUnsafeBytes(of: message.text) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        let kind: Kind =
            switch status {
            case CODEC_UNSUPPORTED: .unsupported
            case CODEC_TOO_LARGE, CODEC_OUT_OF_MEMORY: .tooLarge
            case CODEC_UNWRITABLE: .unwritable
            case CODEC_OUT_OF_SPACE: .outOfSpace
            default: .unreadable
            }
        self.init(kind, "\(name): \(text)")
    }
}

/// Runs a codec call and throws what it reports.
func checked(name: String, _ call: (inout codec_message) -> codec_status) throws(ImageError) {
    var message = codec_message()
    let status = call(&message)
    if status != CODEC_OK { throw ImageError(status, message, name: name) }
}

extension ImageHeader {
    init(_ info: codec_info, format: ImageFormat, tiffCompression: TIFFCompression? = nil) {
        self.init(
            width: Int(info.width), height: Int(info.height), colorBands: Int(info.color_bands),
            colorModel: info.model == CODEC_RGB ? .rgb : info.model == CODEC_CMYK ? .cmyk : .gray,
            alpha: AlphaKind(info.alpha), sampleType: SampleType(info),
            format: format, resolution: Resolution(info),
            iccProfile: info.icc.map {
                Array(UnsafeBufferPointer(start: $0, count: info.icc_byte_count))
            },
            orientation: Int(info.orientation), tiffCompression: tiffCompression)
    }

    /// Calls `body` with the description that a codec writes; its ICC bytes live as long as the
    /// call.
    func withCodecInfo(name: String, _ body: (inout codec_info) throws(ImageError) -> Void)
        throws(ImageError)
    {
        guard (1...Int(Int32.max)).contains(width), (1...Int(Int32.max)).contains(height) else {
            throw ImageError(
                .unsupported, "\(name): an image of \(width) x \(height) pixels cannot be written")
        }
        var info = codec_info()
        info.width = UInt32(width)
        info.height = UInt32(height)
        info.color_bands = UInt32(colorBands)
        info.alpha = alpha?.codecValue ?? CODEC_ALPHA_NONE
        info.bits = UInt32(8 * sampleType.byteCount)
        info.number =
            sampleType.isFloatingPoint
            ? CODEC_FLOAT : sampleType.range.low < 0 ? CODEC_SIGNED : CODEC_UNSIGNED
        info.model =
            colorModel == .rgb ? CODEC_RGB : colorModel == .cmyk ? CODEC_CMYK : CODEC_GRAY
        info.compression = (tiffCompression ?? .deflate).codecValue
        info.orientation = UInt32(clamping: metadata.orientation)
        if let resolution = metadata.resolution {
            info.resolution_x = resolution.x
            info.resolution_y = resolution.y
            info.resolution_unit = resolution.unit.codecValue
        }
        let profile = metadata.iccProfile ?? []
        try profile.withUnsafeBufferPointer { bytes throws(ImageError) in
            info.icc = bytes.baseAddress
            info.icc_byte_count = bytes.count
            try body(&info)
        }
    }
}

extension SampleType {
    fileprivate init(_ info: codec_info) {
        switch (info.number, info.bits) {
        case (CODEC_SIGNED, 8): self = .int8
        case (CODEC_SIGNED, 16): self = .int16
        case (CODEC_SIGNED, _): self = .int32
        case (CODEC_FLOAT, 16): self = .float16
        case (CODEC_FLOAT, 32): self = .float32
        case (CODEC_FLOAT, _): self = .float64
        case (_, 8): self = .uint8
        case (_, 16): self = .uint16
        default: self = .uint32
        }
    }
}

extension AlphaKind {
    fileprivate init?(_ value: codec_alpha) {
        switch value {
        case CODEC_ALPHA_UNASSOCIATED: self = .unassociated
        case CODEC_ALPHA_ASSOCIATED: self = .associated
        case CODEC_ALPHA_UNSPECIFIED: self = .unspecified
        default: return nil
        }
    }

    fileprivate var codecValue: codec_alpha {
        switch self {
        case .unassociated: CODEC_ALPHA_UNASSOCIATED
        case .associated: CODEC_ALPHA_ASSOCIATED
        case .unspecified: CODEC_ALPHA_UNSPECIFIED
        }
    }
}

extension Resolution {
    fileprivate init?(_ info: codec_info) {
        let unit: Unit
        switch info.resolution_unit {
        case CODEC_RESOLUTION_RATIO: unit = .ratio
        case CODEC_RESOLUTION_PER_INCH: unit = .inch
        case CODEC_RESOLUTION_PER_CENTIMETER: unit = .centimeter
        case CODEC_RESOLUTION_PER_METER: unit = .meter
        default: return nil
        }
        self.init(x: info.resolution_x, y: info.resolution_y, unit: unit)
    }
}

extension Resolution.Unit {
    fileprivate var codecValue: codec_resolution_unit {
        switch self {
        case .ratio: CODEC_RESOLUTION_RATIO
        case .inch: CODEC_RESOLUTION_PER_INCH
        case .centimeter: CODEC_RESOLUTION_PER_CENTIMETER
        case .meter: CODEC_RESOLUTION_PER_METER
        }
    }
}

extension TIFFCompression {
    init(_ value: codec_compression) {
        switch value {
        case CODEC_COMPRESSION_LZW: self = .lzw
        case CODEC_COMPRESSION_DEFLATE: self = .deflate
        case CODEC_COMPRESSION_PACKBITS: self = .packBits
        case CODEC_COMPRESSION_ZSTD: self = .zstd
        // Lossy: what is restored is not to be damaged again.
        case CODEC_COMPRESSION_JPEG: self = .deflate
        // For one bit alone, which has become eight.
        case CODEC_COMPRESSION_FAX: self = .deflate
        default: self = .none
        }
    }

    fileprivate var codecValue: codec_compression {
        switch self {
        case .none: CODEC_COMPRESSION_NONE
        case .lzw: CODEC_COMPRESSION_LZW
        case .deflate: CODEC_COMPRESSION_DEFLATE
        case .packBits: CODEC_COMPRESSION_PACKBITS
        case .zstd: CODEC_COMPRESSION_ZSTD
        }
    }
}
