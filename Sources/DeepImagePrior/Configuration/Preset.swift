// A preset as it is used: hyperparameters, and the tiles that they were chosen with.

/// A configuration with the tiles that it was chosen with.
public struct Preset: Equatable, Sendable {
    /// What the user called it: a name, or the path of a file.
    public var name: String
    public var configuration: FitConfiguration
    public var tiling: Tiling
    /// Fits of each tile, of which the result is the average.
    public var restarts: Int
    /// The preset with a name that it is, or that has what a file does not say.
    public let base: NetworkPreset
    /// Fields of the configuration that a file says; none of one with a name.
    public internal(set) var ownFields: Set<String> = []

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
        (name, base) = (named.rawValue, named)
        configuration = FitConfiguration(preset: named, factor: factor)
        tiling = named.tiling(factor: factor)
        restarts = named.restarts(factor: factor)
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
        try self.init(
            json: try Self.text(ofFile: nameOrFile), name: nameOrFile, factor: factor)
    }

    /// Whether it is one of this program's own, or a file over one: what it does not say itself is
    /// suited to the task and the image. Published settings are as they were published.
    public var isOurs: Bool { base.isOurs }

    /// Takes an input, with as many channels as it was measured with or as a file says.
    public mutating func take(_ input: NetworkInput) {
        let own = configuration.inputChannels
        configuration.take(input)
        if ownFields.contains("inputChannels") { configuration.inputChannels = own }
    }

    /// Gives the network what suits the task, where a file does not say what it is given.
    ///
    /// - Parameter knowsNoise: whether errors that come down to the noise say where a fit stops.
    public mutating func suitTask(knowsNoise: Bool) {
        guard isOurs, !ownFields.contains("input"), configuration.input == .masked else { return }
        // Hidden samples teach how to fill a picture and to take noise from it. They say little
        // about one that is enlarged, and what JPEG leaves can be told from what is around it.
        let isSuited = [.denoise, .inpaint].contains(configuration.task)
        if !isSuited || knowsNoise { take(.coarse) }
    }

    /// Fits what the network is given to the image's noise, where a file does not say it.
    ///
    /// - Parameters: see `FitConfiguration.suitNoise`.
    public mutating func suitNoise(
        deviation: Double, bandsShareIt: Bool, reach: Int, levels: [Double]
    ) {
        let own = configuration
        configuration.suitNoise(
            deviation: deviation, bandsShareIt: bandsShareIt, reach: reach, levels: levels)
        if ownFields.contains("detailNoise") { configuration.detailNoise = own.detailNoise }
        if ownFields.contains("coarseScale") { configuration.coarseScale = own.coarseScale }
        if ownFields.contains("masksPixels") { configuration.masksPixels = own.masksPixels }
        if ownFields.contains("maskedRadius") { configuration.maskedRadius = own.maskedRadius }
    }

    /// What it is for, where it is one with a name.
    public var purpose: String? {
        NetworkPreset(rawValue: name)?.purpose(factor: configuration.factor)
    }

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
