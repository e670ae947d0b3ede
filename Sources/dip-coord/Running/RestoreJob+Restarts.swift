// A job whose tiles are fitted several times. Folder and state machine count its fits, image and
// report its tiles.

import Dashboard
import DeepImagePrior
import Imaging
import JobStore
import Wire

extension RestoreJob {
    /// Fits of each tile.
    var restarts: Int { manifest.plan.restarts ?? 1 }

    /// Fits of all tiles.
    var fitCount: Int { manifest.plan.fitCount }

    /// What is counted.
    var unit: String { Text.unit(restarts: restarts) }

    /// What becomes of one.
    var done: String { restarts == 1 ? "restored" : "done" }

    /// As in "6 tiles", or "18 fits (6 tiles, 3 restarts)".
    var amount: String {
        let tiles = Text.count(plan.tileCount, "tile")
        guard restarts > 1 else { return tiles }
        return "\(Text.count(fitCount, "fit")) (\(tiles), \(restarts) restarts)"
    }

    /// What a fit is called.
    func name(_ id: TileID) -> String { manifest.plan.name(ofFit: id.rawValue) }

    /// Seeds of the restarts.
    var seeds: [UInt64] { (0..<restarts).map { configuration.seed(restart: $0) } }

    /// The tile whose window a fit gets.
    func tile(of fit: TileID) -> TilePlan.Tile {
        plan.tile(manifest.plan.place(ofFit: fit.rawValue).tile)
    }

    /// The seed that a fit gets; nil where it is the configuration's.
    ///
    /// - Parameter retry: seeds of it that have failed.
    func seed(of fit: TileID, retry: Int) -> UInt64? {
        let restart = manifest.plan.place(ofFit: fit.rawValue).restart
        return restart + retry == 0 ? nil : configuration.seed(restart: restart, retry: retry)
    }

    /// Tiles of which no fit came to anything, in order.
    func tiles(withoutResult setAside: [TileID]) -> [Int] {
        let setAside = Set(setAside.map(\.rawValue))
        return (0..<plan.tileCount).filter {
            manifest.plan.fits(of: $0).allSatisfy(setAside.contains)
        }
    }
}
