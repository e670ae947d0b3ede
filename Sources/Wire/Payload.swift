/// What travels beside a header: pixels or a fit's state as bytes, their description in the header,
/// and the pieces they travel in.
internal import CDeflate

/// Rows, columns and bands of a payload, in the order in which its samples lie.
public struct PixelShape: Hashable, Sendable, CustomStringConvertible {
    /// Rows.
    public let height: Int
    /// Columns.
    public let width: Int
    /// Samples of a pixel.
    public let bands: Int

    /// A shape (height, width, bands); it is checked where it meets the wire.
    public init(height: Int, width: Int, bands: Int) {
        self.height = height
        self.width = width
        self.bands = bands
    }

    /// Bytes of float32 samples of this shape.
    /// - Throws: where a side is out of range. Within the limits the product cannot overflow.
    public func float32ByteCount() throws(WireError) -> Int {
        try FieldCheck.count(height, "shape[0]", from: 1, through: WireLimits.sideMaximum)
        try FieldCheck.count(width, "shape[1]", from: 1, through: WireLimits.sideMaximum)
        try FieldCheck.count(bands, "shape[2]", from: 1, through: WireLimits.bandCountMaximum)
        return height * width * bands * MemoryLayout<Float>.size
    }

    public var description: String { "\(height) x \(width) x \(bands)" }
}

/// Samples on their way: (H, W, C) float32, little-endian.
public struct PixelPayload: Equatable, Sendable {
    /// Rows, columns, bands.
    public let shape: PixelShape
    /// `shape.float32ByteCount()` bytes.
    public let bytes: [UInt8]

    /// A payload from samples (H, W, C).
    /// - Throws: where the shape is out of range or the number of samples is another.
    public init(shape: PixelShape, pixels: [Float]) throws(WireError) {
        let byteCount = try shape.float32ByteCount()
        guard pixels.count * MemoryLayout<Float>.size == byteCount else {
            throw .outOfRange(
                field: "pixels", seen: "\(pixels.count) samples", wanted: "\(shape) samples")
        }
        self.shape = shape
        bytes = [UInt8](unsafeUninitializedCapacity: byteCount) { target, count in
            let raw = UnsafeMutableRawBufferPointer(target)
            for (index, sample) in pixels.enumerated() {
                raw.storeBytes(
                    of: sample.bitPattern.littleEndian,
                    toByteOffset: index * MemoryLayout<Float>.size, as: UInt32.self)
            }
            count = byteCount
        }
    }

    /// A payload from bytes whose number has been checked against the shape.
    init(shape: PixelShape, checkedBytes: [UInt8]) {
        self.shape = shape
        bytes = checkedBytes
    }

    /// The samples (H, W, C).
    public var pixels: [Float] {
        bytes.withUnsafeBytes { raw in
            let count = raw.count / MemoryLayout<Float>.size
            return [Float](unsafeUninitializedCapacity: count) { target, initialized in
                for index in 0..<count {
                    let bits = raw.loadUnaligned(
                        fromByteOffset: index * MemoryLayout<Float>.size, as: UInt32.self)
                    target[index] = Float(bitPattern: UInt32(littleEndian: bits))
                }
                initialized = count
            }
        }
    }

}

/// What a payload is, told before its bytes arrive.
public enum PayloadForm: Hashable, Sendable {
    /// Samples (H, W, C), float32.
    case pixels(PixelShape)
    /// The state of a fit: bytes that only workers understand.
    case state(byteCount: Int)
}

/// The bytes beside a header.
public enum Payload: Equatable, Sendable {
    /// A tile's pixels.
    case pixels(PixelPayload)
    /// The state of a fit: bytes that only workers understand.
    case state([UInt8])

    /// Its bytes, in the order in which they travel.
    public var bytes: [UInt8] {
        switch self {
        case .pixels(let payload): payload.bytes
        case .state(let bytes): bytes
        }
    }

    /// What it is.
    public var form: PayloadForm {
        switch self {
        case .pixels(let payload): .pixels(payload.shape)
        case .state(let bytes): .state(byteCount: bytes.count)
        }
    }

    /// The pixels; nil for anything else.
    public var pixels: PixelPayload? {
        if case .pixels(let payload) = self { payload } else { nil }
    }

    /// The state of a fit; nil for anything else.
    public var state: [UInt8]? {
        if case .state(let bytes) = self { bytes } else { nil }
    }

    /// A payload from bytes whose number has been checked against the form.
    init(_ form: PayloadForm, checkedBytes: [UInt8]) {
        switch form {
        case .pixels(let shape):
            self = .pixels(PixelPayload(shape: shape, checkedBytes: checkedBytes))
        case .state: self = .state(checkedBytes)
        }
    }

    /// The checksum that its description carries.
    var crc32: UInt32 {
        bytes.withUnsafeBytes { raw in
            libdeflate_crc32(0, raw.baseAddress, raw.count)
        }
    }
}

/// What a header says about the payload frame that follows it.
struct PayloadDescription: Codable, Equatable {
    /// The place of this frame in the payload.
    struct Piece: Codable, Equatable {
        var index: Int
        var count: Int
        var offset: Int
    }

    private static let float32 = "float32"
    private static let uint8 = "uint8"

    var dtype: String
    /// [height, width, bands], or [bytes].
    var shape: [Int]
    /// Bytes of the whole payload.
    var byteCount: Int
    /// CRC-32 (zlib) of the whole payload.
    var crc32: UInt32
    var piece: Piece

    /// The description of a payload's first piece.
    init(_ payload: Payload, pieceCount: Int) {
        switch payload {
        case .pixels(let pixels):
            dtype = Self.float32
            shape = [pixels.shape.height, pixels.shape.width, pixels.shape.bands]
        case .state(let bytes):
            dtype = Self.uint8
            shape = [bytes.count]
        }
        byteCount = payload.bytes.count
        crc32 = payload.crc32
        piece = Piece(index: 0, count: pieceCount, offset: 0)
    }

    /// The payload's form, when the description makes sense of itself and of its frame.
    func checked(
        as type: MessageKind.PayloadType, frameByteCount: Int, pieceByteCount: Int
    ) throws(WireError) -> PayloadForm {
        let form: PayloadForm
        switch type {
        case .pixels: form = .pixels(try pixelShape())
        case .state: form = .state(byteCount: try stateByteCount())
        }
        let count = (byteCount + pieceByteCount - 1) / pieceByteCount
        try FieldCheck.count(piece.count, "payload.piece.count", from: count, through: count)
        try FieldCheck.count(piece.index, "payload.piece.index", through: count - 1)
        let offset = piece.index * pieceByteCount
        try FieldCheck.count(piece.offset, "payload.piece.offset", from: offset, through: offset)
        let frame = min(pieceByteCount, byteCount - offset)
        try FieldCheck.count(frameByteCount, "payload frame", from: frame, through: frame)
        return form
    }

    private func pixelShape() throws(WireError) -> PixelShape {
        guard dtype == Self.float32 else {
            throw .outOfRange(field: "payload.dtype", seen: dtype, wanted: Self.float32)
        }
        guard shape.count == 3 else {
            throw .outOfRange(
                field: "payload.shape", seen: "\(shape.count) numbers",
                wanted: "height, width, bands")
        }
        let pixelShape = PixelShape(height: shape[0], width: shape[1], bands: shape[2])
        let wanted = try pixelShape.float32ByteCount()
        try FieldCheck.count(byteCount, "payload.byteCount", from: wanted, through: wanted)
        return pixelShape
    }

    private func stateByteCount() throws(WireError) -> Int {
        guard dtype == Self.uint8 else {
            throw .outOfRange(field: "payload.dtype", seen: dtype, wanted: Self.uint8)
        }
        try FieldCheck.count(
            byteCount, "payload.byteCount", from: 1, through: WireLimits.stateByteCountMaximum)
        guard shape == [byteCount] else {
            throw .outOfRange(
                field: "payload.shape", seen: "\(shape.prefix(4))", wanted: "[byteCount]")
        }
        return byteCount
    }
}

/// One piece of a payload, checked against its own description.
public struct PayloadPiece: Equatable, Sendable {
    /// The form of the whole payload.
    public let form: PayloadForm
    /// Bytes of the whole payload.
    public let payloadByteCount: Int
    /// CRC-32 of the whole payload.
    public let crc32: UInt32
    /// Which piece this is, from 0.
    public let index: Int
    /// Pieces of the payload.
    public let count: Int
    /// Where this piece's bytes begin in the payload.
    public let offset: Int
    /// This piece's bytes.
    public let bytes: [UInt8]

    init(_ description: PayloadDescription, form: PayloadForm, bytes: [UInt8]) {
        self.form = form
        payloadByteCount = description.byteCount
        crc32 = description.crc32
        index = description.piece.index
        count = description.piece.count
        offset = description.piece.offset
        self.bytes = bytes
    }
}
