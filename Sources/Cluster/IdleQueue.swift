/// Workers that wait for a tile.
internal import Wire

/// A queue from whose middle anyone can leave in constant time.
struct IdleQueue {
    /// In order of arrival; who has left since stands there until the queue is tidied up.
    private var places: [(worker: WorkerID, ticket: Int)] = []
    private var firstPlace = 0
    private var tickets: [WorkerID: Int] = [:]
    private var nextTicket = 0

    var isEmpty: Bool { tickets.isEmpty }
    var count: Int { tickets.count }

    func contains(_ worker: WorkerID) -> Bool { tickets[worker] != nil }

    /// The longest-waiting first.
    var workers: some Sequence<WorkerID> {
        places[firstPlace...].lazy.filter { tickets[$0.worker] == $0.ticket }.map(\.worker)
    }

    /// Adds a worker that is not there at the end.
    mutating func append(_ worker: WorkerID) {
        guard tickets[worker] == nil else { return }
        tickets[worker] = nextTicket
        places.append((worker, nextTicket))
        nextTicket += 1
    }

    /// Takes a worker out, wherever it stands.
    mutating func remove(_ worker: WorkerID) {
        guard tickets.removeValue(forKey: worker) != nil else { return }
        while firstPlace < places.count,
            tickets[places[firstPlace].worker] != places[firstPlace].ticket
        {
            firstPlace += 1
        }
        guard places.count > 2 * tickets.count + 16 else { return }
        places = places[firstPlace...].filter { tickets[$0.worker] == $0.ticket }
        firstPlace = 0
    }
}
