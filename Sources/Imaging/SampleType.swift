/// How one sample is stored, in native byte order.
public enum SampleType: String, Codable, Sendable, CaseIterable {
    case uint8, uint16, uint32, int8, int16, int32, float16, float32, float64

    public var byteCount: Int {
        switch self {
        case .uint8, .int8: 1
        case .uint16, .int16, .float16: 2
        case .uint32, .int32, .float32: 4
        case .float64: 8
        }
    }

    public var isFloatingPoint: Bool { self == .float16 || self == .float32 || self == .float64 }

    /// The values of the whole type; 0 to 1 for floating point.
    public var range: ValueRange {
        switch self {
        case .uint8: ValueRange(low: 0, high: 255)
        case .uint16: ValueRange(low: 0, high: 65535)
        case .uint32: ValueRange(low: 0, high: 4_294_967_295)
        case .int8: ValueRange(low: -128, high: 127)
        case .int16: ValueRange(low: -32768, high: 32767)
        case .int32: ValueRange(low: -2_147_483_648, high: 2_147_483_647)
        case .float16, .float32, .float64: ValueRange(low: 0, high: 1)
        }
    }

    /// The least and the largest finite sample.
    public var limits: ValueRange {
        let most =
            switch self {
            case .float16: Double(Float16.greatestFiniteMagnitude)
            case .float32: Double(Float.greatestFiniteMagnitude)
            case .float64: Double.greatestFiniteMagnitude
            default: 0.0
            }
        return isFloatingPoint ? ValueRange(low: -most, high: most) : range
    }
}

/// The values that become 0 and 1; one pair for the whole image.
public struct ValueRange: Hashable, Codable, Sendable {
    public var low, high: Double

    public init(low: Double, high: Double) {
        self.low = low
        self.high = high
    }
}

/// A sample as a number, and the nearest sample to one.
protocol ImageSample: BitwiseCopyable {
    var real: Double { get }
    /// The nearest sample to a number that is not NaN, within the type's range.
    init(nearest value: Double)
    /// The sample next to this one on the side that is wanted, or on the other one where the type
    /// ends.
    func neighbor(isBelow: Bool) -> Self
}

extension ImageSample {
    /// The nearest sample to a number that is not NaN, but the one beside it where that would be
    /// the nodata value. `csamples_encode` has the same rule.
    ///
    /// - Parameter nodata: As samples hold it; NaN where there is none.
    init(nearest value: Double, beside nodata: Double) {
        let sample = Self(nearest: value)
        self = sample.real == nodata ? sample.neighbor(isBelow: value < nodata) : sample
    }
}

extension ImageSample where Self: FixedWidthInteger {
    var real: Double { Double(self) }

    init(nearest value: Double) {
        let bounded = Swift.min(Swift.max(value, Double(Self.min)), Double(Self.max))
        self = Self(bounded.rounded())
    }

    func neighbor(isBelow: Bool) -> Self {
        self == .max || (isBelow && self != .min) ? self - 1 : self + 1
    }
}

extension ImageSample where Self: BinaryFloatingPoint {
    func neighbor(isBelow: Bool) -> Self {
        let most = Self.greatestFiniteMagnitude
        return self == most || (isBelow && self != -most) ? nextDown : nextUp
    }
}

extension UInt8: ImageSample {}
extension UInt16: ImageSample {}
extension UInt32: ImageSample {}
extension Int8: ImageSample {}
extension Int16: ImageSample {}
extension Int32: ImageSample {}

extension Float16: ImageSample {
    var real: Double { Double(self) }

    init(nearest value: Double) {
        let most = Double(Self.greatestFiniteMagnitude)
        self = Float16(Swift.min(Swift.max(value, -most), most))
    }
}

extension Float: ImageSample {
    var real: Double { Double(self) }

    init(nearest value: Double) {
        let most = Double(Self.greatestFiniteMagnitude)
        self = Float(Swift.min(Swift.max(value, -most), most))
    }
}

extension Double: ImageSample {
    var real: Double { self }
    init(nearest value: Double) { self = value }
}

extension SampleType {
    /// The nearest sample to a number that is not NaN, as bytes.
    func bytes(nearest value: Double) -> [UInt8] {
        func bytes<Sample: ImageSample>(_: Sample.Type) -> [UInt8] {
            withUnsafeBytes(of: Sample(nearest: value)) { Array($0) }
        }
        return withSample { bytes($0) }
    }

    /// Calls `body` with the Swift type of these samples.
    func withSample<Result>(_ body: (any ImageSample.Type) -> Result) -> Result {
        switch self {
        case .uint8: body(UInt8.self)
        case .uint16: body(UInt16.self)
        case .uint32: body(UInt32.self)
        case .int8: body(Int8.self)
        case .int16: body(Int16.self)
        case .int32: body(Int32.self)
        case .float16: body(Float16.self)
        case .float32: body(Float.self)
        case .float64: body(Double.self)
        }
    }
}
