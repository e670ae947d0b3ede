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
            if case .leased(let holder, let second) = record.state {
                precondition(
                    [holder, second].compactMap { $0 }
                        .allSatisfy { lease(of: $0)?.work.tile == tile },
                    "nobody has it. \(tiles.story(of: tile))")
            }
            precondition(
                record.state != .waiting || !policy.isGivenUp(record.failures),
                "it should be set aside. \(tiles.story(of: tile))")
        }
        precondition(
            idle.workers.allSatisfy { workers[$0]?.lease == nil && workers[$0]?.peer != nil },
            "an idle worker has a lease or cannot be reached")
        precondition(Set(idle.workers).count == idle.count, "the queue of the idle")
        precondition(
            idle.workers.allSatisfy { !drained.contains($0) }, "one that is to leave waits for work"
        )
        let assigning = workers.values.reduce(0) { $0 + ($1.lease?.assignedByteCount ?? 0) }
        precondition(assigning == assigningByteCount, "bytes of assignments under way")
        precondition(storingCheckpointCount >= 0, "checkpoints on their way to disk")
        precondition((ableCount == 0) == (absentSince != nil), "absence of workers")
        precondition(
            bystanders.allSatisfy { workers[$0] != nil && workers[$0]?.lease == nil },
            "one that cannot do the job has a part of it")
        precondition(
            idle.workers.allSatisfy { !bystanders.contains($0) },
            "one that cannot do the job waits for work")
        precondition(Set(farewellOrder) == Set(farewells.keys), "farewells")
        precondition(
            launchTokens.allSatisfy { workers[$0.value]?.hello.launchToken == $0.key }, "tokens")
    }

    private func check(_ id: WorkerID, _ worker: WorkerRecord) {
        if let peer = worker.peer {
            precondition(peers[peer] == id, "worker \(id) and peer \(peer) disagree")
        }
        guard let lease = worker.lease else { return }
        let tile = lease.work.tile
        var story: String { "\(id) has \(lease.work). \(tiles.story(of: tile))" }
        precondition(tiles.knows(lease.work), story)
        precondition(lease.beganAt == nil || lease.assignedByteCount == 0, story)
        precondition(lease.phase == .fitting || lease.beganAt != nil, story)
        switch tiles[tile].state {
        case .leased: precondition(tiles[tile].isHeld(by: id), story)
        case .storing: break
        case .waiting, .stored, .setAside: preconditionFailure(story)
        }
    }
}
