/// The network: what becomes of messages between posting and arrival.
import Cluster
import Wire

extension Simulation {
    func post(_ parcel: Parcel, from worker: SimulatedWorker) {
        let connection = worker.connection
        let cut = activeCut(worker.number)
        for time in arrivals(
            &connection.atCoordinator, cut: cut?.losesToCoordinator == true ? cut : nil)
        {
            agenda.add(.toCoordinator(parcel, from: connection), at: time)
        }
    }

    func post(_ parcel: Parcel, to peer: PeerID, by coordinator: SimulatedCoordinator) {
        guard let number = coordinator.connection(peer), let worker = connections[number] else {
            // Now and then the transport has not noticed yet that the connection is gone.
            if generator.chance(0.7) {
                agenda.add(.learned(.unreachable(peer), life: coordinator.life), at: now)
            }
            return
        }
        let cut = activeCut(worker.number)
        for time in arrivals(
            &worker.connection.atWorker, cut: cut?.losesToWorker == true ? cut : nil)
        {
            agenda.add(.toWorker(parcel, over: worker.connection), at: time)
        }
    }

    private func activeCut(_ worker: Int) -> Cut? {
        guard let cut = cuts[worker] else { return nil }
        guard cut.end > now else {
            cuts[worker] = nil
            return nil
        }
        return cut
    }

    /// When each copy of a message arrives; none for one that is lost.
    private func arrivals(_ latest: inout Duration, cut: Cut?) -> [Duration] {
        if let cut, !cut.holds { return [] }
        if generator.chance(faults[.loss]) {
            tally.faults[.loss, default: 0] += 1
            return []
        }
        let longest = max(Self.instant, faults[.delay])
        if faults[.delay] > 0 { tally.faults[.delay, default: 0] += 1 }
        let start = max(now, cut?.end ?? now)
        var time = start + generator.seconds(upTo: longest)
        if generator.chance(faults[.reordering]) {
            tally.faults[.reordering, default: 0] += 1
            time += generator.seconds(upTo: longest)
        } else {
            latest = max(latest, time)
            time = latest
        }
        guard generator.chance(faults[.duplication]) else { return [time] }
        tally.faults[.duplication, default: 0] += 1
        return [time, time + generator.seconds(upTo: 2 * longest)]
    }

    /// Whether a message arrives with a flipped bit. One that can still be read for another
    /// message is no fault of the network but a forgery, and counts as lost.
    func corrupt(_ message: Message) -> Corruption? {
        guard generator.chance(faults[.corruption]) else { return nil }
        tally.faults[.corruption, default: 0] += 1
        do throws(WireError) {
            var frames = try MessageCodec.encode(message, payload: Self.payload(of: message.kind))[
                0]
            let frame = Int.random(in: 0..<frames.count, using: &generator)
            let place = Int.random(in: 0..<frames[frame].count, using: &generator)
            frames[frame][place] ^= 1 << UInt8.random(in: 0...7, using: &generator)
            if frame > 0 { return .unreadable("the payload's crc32 does not hold") }
            return try MessageCodec.decode(frames).message == message ? nil : .lost
        } catch {
            if case .protocolMismatch = error { return .lost }
            return .unreadable(error.description)
        }
    }

    private static func payload(of kind: MessageKind) throws(WireError) -> Payload? {
        switch kind {
        case .assign, .restored:
            let shape = PixelShape(height: 1, width: 1, bands: 1)
            return .pixels(try PixelPayload(shape: shape, pixels: [0.5]))
        case .checkpoint: return .state([1, 2, 3])
        default: return nil
        }
    }

    enum Corruption {
        case lost
        case unreadable(String)
    }
}
