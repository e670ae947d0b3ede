import Foundation
import Glibc
import Testing

extension EndToEndTests {
    /// Real processes that are killed and stopped at random, by seed; the output has the bytes of
    /// an undisturbed run.
    @Suite struct Chaos {
        private static let actionCount = 12

        /// The first kills the workers of one tile before its first iteration again and again.
        /// Any number of others: `scripts/chaos --seed`.
        private static let seeds = [53_238, 7]

        /// A job with workers of its own and of others, and what befalls them.
        private final class Scene {
            let session: Session
            let endpoint: String
            let arguments: [String]
            var generator: SeededGenerator
            var coordinator: RunningProcess
            var others: [RunningProcess] = []
            var deeds: [String] = []

            init(_ session: Session, seed: Int) throws {
                self.session = session
                generator = SeededGenerator(seed: seed)
                endpoint = "tcp://127.0.0.1:\(try Ports.free())"
                arguments = try Reference.restoration(
                    in: session, "--workers", "1", "--listen", endpoint, "--lease-silence", "1",
                    "--checkpoint-interval", "0.1")
                coordinator = try session.start(Programs.coordinator, arguments)
                for _ in 0..<2 { others.append(try worker()) }
            }

            func worker() throws -> RunningProcess {
                try session.worker(endpoint, "--quiet", "--grace", "1")
            }

            /// One thing goes wrong.
            func act() throws {
                let victim = Int.random(in: 0..<others.count, using: &generator)
                switch Int.random(in: 0..<6, using: &generator) {
                case 0, 1:
                    deeds.append("kill worker \(victim)")
                    others[victim].kill()
                    others[victim] = try worker()
                case 2:
                    deeds.append("stop worker \(victim)")
                    others[victim].send(SIGSTOP)
                case 3:
                    deeds.append("continue all workers")
                    for worker in others { worker.send(SIGCONT) }
                case 4:
                    deeds.append("kill the coordinator's own worker")
                    for child in coordinator.workers { child.send(SIGKILL) }
                default:
                    deeds.append("kill the coordinator")
                    let former = coordinator
                    former.kill()
                    try session.eventually("no workers of the former one") {
                        former.descendants.isEmpty
                    }
                    coordinator = try session.start(Programs.coordinator, arguments)
                }
            }
        }

        @Test(arguments: seeds)
        func `workers and coordinators that die and stand still at random change no byte`(
            seed: Int
        ) throws {
            try withSession(leavesPartialFiles: true) { session in
                let scene = try Scene(session, seed: seed)
                for _ in 0..<Self.actionCount {
                    usleep(UInt32.random(in: 20_000...400_000, using: &scene.generator))
                    if scene.coordinator.pollEnd() == .exited(0) { break }
                    try scene.act()
                }
                for worker in scene.others { worker.send(SIGCONT) }
                let story: Comment = "seed \(seed): \(scene.deeds.joined(separator: ", "))"
                #expect(throws: Never.self, story) {
                    try Reference.expectSameOutput(session, scene.coordinator)
                }
                #expect(Files.tree(session.folder).filter { $0.contains(".partial") } == [], story)
                // Those that joined too late for the end are told so by nobody.
                for worker in scene.others {
                    worker.send(SIGTERM)
                    let end = worker.wait(atMost: .seconds(10))
                    #expect(end == .exited(0), "\(story); \(worker.story)")
                }
            }
        }

        @Test func `a coordinator that is killed at any moment of its end makes the same bytes`()
            throws
        {
            try withSession(leavesPartialFiles: true) { session in
                let arguments = try Reference.restoration(in: session, "--workers", "1")
                let (folder, saved) = (session.jobFolder, session.path("saved"))
                try Reference.expectSameOutput(
                    session, session.start(Programs.coordinator, arguments + ["--keep-job"]))
                try FileManager.default.moveItem(atPath: folder, toPath: saved)
                /// All tiles are there: what is left is to open the job, to blend and to tidy up.
                func start() throws -> RunningProcess {
                    try? FileManager.default.removeItem(atPath: folder)
                    try FileManager.default.copyItem(atPath: saved, toPath: folder)
                    unlink(session.path("out.png"))
                    return try session.start(Programs.coordinator, arguments)
                }
                let begin = ContinuousClock.now
                try Reference.expectSameOutput(session, start())
                let whole = ContinuousClock.now - begin
                var ends: Set<String> = []
                for part in 0..<16 {
                    let process = try start()
                    process.wait(atMost: whole * part / 16)
                    let hasOutput = Files.bytes(session.path("out.png")) != nil
                    let hasTiles = session.storedTileCount("out.png") > 0
                    ends.insert("output \(hasOutput), tiles \(hasTiles)")
                    try Reference.expectSameOutput(
                        session, session.start(Programs.coordinator, arguments))
                    #expect(
                        session.names == ["in.png", "out.png", "out.png.dip", "saved"],
                        "killed in part \(part) of its time")
                    #expect(
                        Files.tree(folder) == ["events.jsonl", "job.json", "report.json"],
                        "killed in part \(part) of its time")
                }
                #expect(ends.contains("output false, tiles true"))
            }
        }
    }
}
