/// What an earlier coordinator of the same job has left on the disk.
public import Wire

/// Told to a coordinator that goes on with a job. Workers of the earlier one may come back with
/// tries that nobody has written down; a coordinator with a history takes them on.
public struct JobHistory: Equatable, Sendable {
    /// What is known of one tile.
    public struct Tile: Equatable, Sendable {
        /// Where the tile stands.
        public enum State: Equatable, Sendable {
            /// To be restored.
            case waiting
            /// Its result is on disk.
            case stored
            /// Given up for these reasons; it stays so.
            case setAside([Coordinator.AttemptFailure])
        }

        /// Where the tile stands.
        public var state: State
        /// The highest number of a try that is known of; 0 where none is.
        public var attempts: Attempt
        /// The iteration of the state on disk; nil without one.
        public var checkpointIteration: Int?

        /// What is known of one tile.
        public init(state: State, attempts: Attempt, checkpointIteration: Int? = nil) {
            self.state = state
            self.attempts = attempts
            self.checkpointIteration = checkpointIteration
        }
    }

    /// The tiles of which anything is known.
    public var tiles: [TileID: Tile]

    /// The history of a job; without tiles, of one that was begun and came to nothing.
    public init(tiles: [TileID: Tile] = [:]) {
        self.tiles = tiles
    }
}
