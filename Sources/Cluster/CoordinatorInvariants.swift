/// What is always true of a coordinator between two events. Called by tests after every event.
internal import Wire

extension Coordinator {
    /// Stops the process with the tile's story where the coordinator contradicts itself.
    public func checkInvariants() {
        tiles.checkInvariants()
        for (id, worker) in workers { check(id, worker) }
        for (peer, id) in peers {
            precondition(workers[id]?.peer == peer, "peer \(peer) and worker \(id) disagree")
        }
        for (index, record) in tiles.records.enumerated() {
            let tile = TileID(index)
            if case .leased(let holder) = record.state {
                precondition(
                    lease(of: holder)?.work.tile == tile,
                    "nobody has it. \(tiles.story(of: tile))")
            }
            precondition(
                record.state != .waiting || record.failures.count < policy.tileFailuresMaximum,
                "it should be set aside. \(tiles.story(of: tile))")
        }
        precondition(idle.count == Set(idle).count, "a worker is idle twice")
        precondition(idle.allSatisfy { workers[$0]?.isQueued == true }, "idle but not queued")
        precondition(workers.isEmpty == (absentSince != nil), "absence of workers")
        precondition(Set(refusalOrder) == Set(refusals.keys), "refusals")
        precondition(
            launchTokens.allSatisfy { workers[$0.value]?.hello.launchToken == $0.key }, "tokens")
    }

    private func check(_ id: WorkerID, _ worker: WorkerRecord) {
        if let peer = worker.peer {
            precondition(peers[peer] == id, "worker \(id) and peer \(peer) disagree")
        }
        precondition(worker.isQueued == idle.contains(id), "queue of the idle: \(id)")
        precondition(!worker.isQueued || (worker.lease == nil && worker.peer != nil), "idle: \(id)")
        guard let lease = worker.lease else { return }
        let tile = lease.work.tile
        var story: String { "\(id) has \(lease.work). \(tiles.story(of: tile))" }
        precondition(tiles.knows(lease.work), story)
        switch tiles[tile].state {
        case .leased(let holder): precondition(holder == id, story)
        case .storing: break
        case .waiting, .stored, .setAside: preconditionFailure(story)
        }
    }
}
