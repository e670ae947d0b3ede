// A preset as it is used: hyperparameters, and the tiles that they were chosen with.

/// A configuration with the tiles that it was chosen with.
public struct Preset: Equatable, Sendable {
    /// What the user called it: a name, or the path of a file.
    public var name: String
    public var configuration: FitConfiguration
    public var tiling: Tiling
    /// Fits of each tile, of which the result is the average.
    public var restarts: Int

    /// What `restarts` may be.
    public static let restartsRange = 1...32

    /// How an image is cut, in pixels.
    public struct Tiling: Equatable, Sendable {
        /// The longest side that a tile may have; 64 to 8192.
        public var tile: Int
        /// The least that neighbouring tiles share; 0 to below the tile.
        public var overlap: Int

        public init(tile: Int, overlap: Int) {
            self.tile = tile
            self.overlap = overlap
        }

        /// What a tile's side may be.
        public static let tileRange = 64...8192

        /// - Throws: `FitError.invalid` with the length that is out of its range.
        public func validate() throws(FitError) {
            guard Self.tileRange.contains(tile) else {
                throw .invalid("tile is \(tile); 64 to 8192 pixels are wanted")
            }
            guard (0..<tile).contains(overlap) else {
                throw .invalid(
                    "overlap is \(overlap); 0 to below the tile of \(tile) pixels is wanted")
            }
        }
    }

    /// - Parameter factor: of the task `upscale`, which published hyperparameters depend on.
    public init(_ named: NetworkPreset, factor: Int = 1) {
        name = named.rawValue
        configuration = FitConfiguration(preset: named, factor: factor)
        tiling = named.tiling
        restarts = named.restarts
    }

    /// - Throws: `FitError.invalid` for a name that no preset has.
    public init(named name: String, factor: Int = 1) throws(FitError) {
        guard let named = NetworkPreset(rawValue: name) else {
            let known = NetworkPreset.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalid(
                "there is no preset \"\(name)\"; known are: \(known); or the path of a file whose "
                    + "name ends in .json")
        }
        self.init(named, factor: factor)
    }

    /// The preset of that name, or of that file where the name ends in `.json`.
    ///
    /// - Throws: `FitError.invalid` for a name that no preset has, or a file that is none.
    public init(nameOrFile: String, factor: Int = 1) throws(FitError) {
        guard nameOrFile.hasSuffix(".json") else {
            try self.init(named: nameOrFile, factor: factor)
            return
        }
        try self.init(json: try Self.text(ofFile: nameOrFile), name: nameOrFile)
    }

    /// Whether it is one of this program's own. Published settings and those of a user say how many
    /// iterations they take.
    public var isOurs: Bool {
        NetworkPreset(rawValue: name).map { !$0.rawValue.hasPrefix("paper") } ?? false
    }

    /// What it is for, where it is one with a name.
    public var purpose: String? { NetworkPreset(rawValue: name)?.purpose }

    /// Arithmetic that an image costs in tiles of this size, overlaps and restarts included, in
    /// floating-point operations a pixel.
    ///
    /// A tile of side T covers (T - overlap)^2 pixels of its own; T is here the largest side up to
    /// `tile` that the network takes. At the image's rim it is less, and less where smaller windows
    /// do.
    public func operationsPerPixel(bands: Int) throws(FitError) -> Double {
        let alignment = configuration.alignment
        let side = max(configuration.minimumSide, tiling.tile / alignment * alignment)
        let own = Double(max(1, side - tiling.overlap))
        let iteration = try Fit.operationsPerIteration(
            configuration, height: side, width: side, bands: bands)
        return iteration * Double(configuration.iterations * restarts) / (own * own)
    }
}
