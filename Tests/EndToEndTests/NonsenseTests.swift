import Glibc
import Testing
import Wire

extension EndToEndTests {
    @Suite struct NonsenseOnThePort {
        @Test func `bytes and messages without sense do not disturb a job`() throws {
            try withSession { session in
                let port = try Ports.free()
                let endpoint = "tcp://127.0.0.1:\(port)"
                let process = try session.start(
                    Programs.coordinator,
                    Reference.restoration(in: session, "--workers", "2", "--listen", endpoint))
                try session.awaitTiles(1, output: "out.png", of: process)
                // With a tile in its hands: the job cannot end before the nonsense does.
                let stopped = try #require(process.workers.first, process.story)
                stopped.send(SIGSTOP)

                var connections: [PlainConnection] = []
                for seed in 0..<24 {
                    let connection = try PlainConnection(port: port)
                    connection.send(Nonsense.stream(seed: seed))
                    // Some hang up, some stay.
                    if seed % 3 == 0 { connections.append(connection) }
                }
                for stranger in 0..<3 {
                    let peer = try StrangeWorker(endpoint)
                    for seed in 0..<30 {
                        try peer.say(Nonsense.frames(seed: seed + 30 * stranger), session)
                    }
                    _ = try peer.receive(.refused, session)
                }
                #expect(process.pollEnd() == nil, process.story)
                stopped.send(SIGCONT)
                try Reference.expectSameOutput(session, process)
                // A stranger's bytes that are no frames never come so far as to be counted.
                #expect(try OneTile.figure("nonsenseCount", in: session) > 0)
                withExtendedLifetime(connections) {}
            }
        }

        @Test func `results that nobody asked a worker for are not taken`() throws {
            try withSession { session in
                let endpoint = "tcp://127.0.0.1:\(try Ports.free())"
                let process = try session.start(
                    Programs.coordinator,
                    Reference.restoration(in: session, "--workers", "0", "--listen", endpoint))
                let stranger = try StrangeWorker(endpoint)
                try stranger.sayHello(session)
                guard case .assign(let assigned) = try stranger.receive(.assign, session) else {
                    return
                }
                let black = { (side: Int) in
                    Payload.pixels(
                        try PixelPayload(
                            shape: PixelShape(height: side, width: side, bands: 3),
                            pixels: [Float](repeating: 0, count: side * side * 3)))
                }
                let restored = { (work: TileAttempt) in
                    Message.restored(
                        Restored(
                            job: assigned.job, work: work, iterations: 1, seconds: 1,
                            psnrToInput: 1, finalLoss: 1))
                }
                // Every tile but its own, its own of another try, and its own of another shape.
                for index in 0..<Reference.tileCount + 3 where TileID(index) != assigned.tile {
                    let work = TileAttempt(TileID(index), attempt: 1)
                    try stranger.say(restored(work), black(64), session)
                }
                let later = TileAttempt(assigned.tile, attempt: assigned.attempt + 1)
                try stranger.say(restored(later), black(64), session)
                try stranger.say(restored(assigned.work), black(32), session)
                try stranger.say(.goodbye(Goodbye(reason: "enough")), nil, session)

                let worker = try session.worker(endpoint)
                try Reference.expectSameOutput(session, process)
                #expect(worker.wait(atMost: .seconds(15)) == .exited(0), worker.story)
            }
        }
    }
}
