/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers for the same seed.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// The numbers of one seed.
    public init(seed: UInt64) {
        state = seed
    }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mix(state)
    }

    /// Scatters the bits of a number.
    static func mix(_ value: UInt64) -> UInt64 {
        var bits = value
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }

    /// A number in [0, maximum); 0 when that is 0.
    mutating func upTo(_ maximum: Double) -> Double {
        maximum <= 0 ? 0 : Double.random(in: 0..<maximum, using: &self)
    }

    /// True in this share of all cases. Draws no number when the share is 0.
    mutating func chance(_ share: Double) -> Bool {
        share > 0 && upTo(1) < share
    }

    /// Seconds, evenly up to `maximum`.
    mutating func seconds(upTo maximum: Double) -> Duration {
        .seconds(upTo(maximum))
    }
}
