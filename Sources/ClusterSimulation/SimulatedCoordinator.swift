/// One life of the coordinator's process: its state machine, its job folder, and the storage
/// thread's queue. What outlives it is on the disk.
import Cluster
import JobStore
import Wire

final class SimulatedCoordinator {
    /// What the storage thread does, one after the other.
    enum Order {
        case read(TileAttempt, for: PeerID, withState: Bool, retry: Int)
        case store(TileAttempt, SimulatedFit)
        case storeState(TileAttempt, from: PeerID, SimulatedFit)
        case removeState(TileID)
        /// Writes down the tries at a tile.
        case remember(TileID, Coordinator.TileStory)
        case log(String)
        /// Blends, and ends the job.
        case conclude
        /// Ends the process.
        case exit
    }

    /// Counts the coordinators of this job, from 1.
    let life: Int
    var machine: Coordinator
    let store: JobStore
    var clockOffset: Duration
    var frozenUntil = Duration.zero
    var wakeAt: Duration?

    /// Connections that anything was heard from.
    var met: Set<PeerID> = []
    /// Connections in a session that was not ended.
    var welcomed: Set<PeerID> = []
    /// The result that is being told to the machine.
    var arrived: SimulatedFit?
    var orders: [Order] = []
    /// The number of the latest try at each tile that is written down.
    var remembered: [TileID: Attempt] = [:]
    var isStorageBusy = false
    var summary: Coordinator.Summary?

    init(life: Int, machine: Coordinator, store: JobStore, clockOffset: Duration) {
        self.life = life
        self.machine = machine
        self.store = store
        self.clockOffset = clockOffset
    }

    /// The routing id of a connection: no two coordinators give the same.
    func peer(_ connection: Int) -> PeerID {
        PeerID(
            bytes: [life, connection >> 16, connection >> 8, connection].map {
                UInt8(truncatingIfNeeded: $0)
            })
    }

    /// The connection behind a routing id; nil where it is none of this coordinator's.
    func connection(_ peer: PeerID) -> Int? {
        guard peer.bytes.count == 4, peer.bytes[0] == UInt8(truncatingIfNeeded: life) else {
            return nil
        }
        return peer.bytes.dropFirst().reduce(0) { $0 << 8 | Int($1) }
    }
}
