// Seeds of several fits of the same tile.

extension FitConfiguration {
    /// The seed of one fit among several of a tile, which differ in nothing else: that of the
    /// configuration for the first one. All tiles have the same: where they overlap, fits of the
    /// same restart see the same z and begin with the same weights.
    ///
    /// - Parameters:
    ///   - restart: Which fit of the tile, from 0.
    ///   - retry: How many seeds of that fit have failed before, from 0.
    /// - Returns: A derived seed has 53 bits, which every reader of JSON can hold.
    public func seed(restart: Int, retry: Int = 0) -> UInt64 {
        guard restart > 0 || retry > 0 else { return seed }
        let number = UInt64(restart) << 32 | UInt64(retry)
        // The last term tells a seed from a number.
        return Self.mixed((Self.mixed(seed) ^ Self.mixed(number)) &+ seed) >> 11
    }

    /// The finalizer of SplitMix64 (Steele, Lea, Flood 2014): different numbers for different ones.
    private static func mixed(_ number: UInt64) -> UInt64 {
        var bits = number &+ 0x9E37_79B9_7F4A_7C15
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}
