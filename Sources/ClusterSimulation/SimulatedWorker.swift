/// One worker process: its state machine, its fit and its connection.
import Cluster
import Wire

final class SimulatedWorker {
    var machine: Worker
    let number: Int
    let name: WorkerID
    /// A child of the coordinator with this life; nil for a worker of somebody else.
    let parentLife: Int?
    /// Whether it lacks what the job needs.
    let isBystander: Bool
    var connection: Connection
    let secondsPerIteration: Double
    /// What the process's clock shows at the simulation's time zero.
    var clockOffset: Duration
    var frozenUntil = Duration.zero
    var wasAskedToEnd = false
    /// When the process is told the time next; nil while that is not planned.
    var wakeAt: Duration?

    var job: JobID?
    /// The try whose fit runs, and a number that makes steps of an earlier one void.
    var fit: (work: TileAttempt, state: SimulatedFit)?
    var fitNumber = 0
    /// When the fit came to each of its iterations.
    var iterationTimes: [Int: Duration] = [:]
    /// The state an iteration ago, which is as good for a checkpoint.
    var snapshot: SimulatedFit?
    /// The try whose state the fit thread is asked for.
    var wantedState: (work: TileAttempt, isLast: Bool)?
    /// The try whose fit ended with its last state.
    var handedOver: TileAttempt?
    /// The state that was taken, until it is sent or has its receipt.
    var takenState: (work: TileAttempt, state: SimulatedFit)?
    /// The state that came before the assignment which it belongs to.
    var arrivedState: (body: Checkpoint, state: SimulatedFit)?
    /// The finished result that the loop keeps.
    var result: (work: TileAttempt, state: SimulatedFit)?
    /// The state that came with the assignment which is being told to the machine.
    var assigned: SimulatedFit?
    /// The number of its seed.
    var assignedSeed = 0

    init(
        machine: Worker, number: Int, name: WorkerID, parentLife: Int?, isBystander: Bool,
        connection: Connection, secondsPerIteration: Double, clockOffset: Duration
    ) {
        self.machine = machine
        self.number = number
        self.name = name
        self.parentLife = parentLife
        self.isBystander = isBystander
        self.connection = connection
        self.secondsPerIteration = secondsPerIteration
        self.clockOffset = clockOffset
    }
}

/// A worker's connection, which keeps the order of messages unless a fault upsets it.
final class Connection {
    let number: Int
    /// When the latest message in each direction arrives.
    var atCoordinator = Duration.zero
    var atWorker = Duration.zero

    init(number: Int) {
        self.number = number
    }
}

/// A message under way, with the fit's state where its payload stands for one.
struct Parcel {
    var message: Message
    var fit: SimulatedFit?
}
