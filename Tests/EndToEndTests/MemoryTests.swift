import DeepImagePrior
import Foundation
import Glibc
import Testing
import Wire

extension EndToEndTests {
    /// What a fit takes is said before, and refused where it is not to be had.
    @Suite struct Memory {
        @Test func `a worker refuses a tile that it cannot hold and stays`() throws {
            // As much memory as a tile can want for each of its pixels.
            var configuration = FitConfiguration(
                downChannels: [1024], upChannels: [1024], skipChannels: [1024])
            configuration.iterations = 1
            let machine = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
            var side = 256
            func needed() throws -> Int {
                try Fit.memoryByteCount(configuration, height: side, width: side, bands: 1)
            }
            while try needed() <= machine { side *= 2 }
            try #require(side <= 1 << 13, "the tile's own pixels become too many to be sent")

            try withSession { session in
                let coordinator = try StrangeCoordinator()
                let worker = try session.worker(coordinator.endpoint, "--quiet")
                try coordinator.welcome(
                    worker, configuration: configuration.json, session,
                    payloadByteCountMaximum: 1 << 28)
                let pixels = try PixelPayload(
                    shape: PixelShape(height: side, width: side, bands: 1),
                    pixels: [Float](repeating: 0.5, count: side * side))
                let job = JobID(rawValue: "strange")
                try coordinator.say(
                    .assign(
                        Assign(
                            job: job, work: TileAttempt(TileID(0), attempt: 1), originX: 0,
                            originY: 0)), .pixels(pixels))
                guard case .failed(let refusal) = try coordinator.receive(.failed, worker, session)
                else { return }
                #expect(refusal.reason.contains("memory"), "\(refusal.reason)")
                #expect(
                    refusal.reason.contains("\(try needed() / 1_000_000) MB"), "\(refusal.reason)")
                _ = try coordinator.receive(.heartbeat, worker, session)
                try coordinator.say(.goodbye(Goodbye(reason: "enough")))
                #expect(worker.wait(atMost: .seconds(10)) == .exited(0), worker.story)
            }
        }

        @Test func `a plan tells what a worker will hold`() throws {
            try withSession { session in
                let path = try Reference.picture.write(session.path("in.png"))
                let arguments = ["plan", path, "--preset", "thin", "--tile", "64"]
                let needed = try Fit.memoryByteCount(
                    FitConfiguration(preset: .thin), height: 64, width: 64, bands: 3)
                let text = try session.succeed(arguments).output
                let line = text.split(separator: "\n").first { $0.hasPrefix("memory") }
                #expect(line?.contains("for each worker") == true, "\(text)")
                let plan = try JSONSerialization.jsonObject(
                    with: Data(session.succeed(arguments + ["--json"]).output.utf8))
                let object = try #require(plan as? [String: Any])
                #expect(object["memoryByteCountPerWorker"] as? Int == needed)
            }
        }
    }
}
