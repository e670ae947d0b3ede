import Foundation
import Testing

extension PictureTests {
    /// The bench: what it measures is checked for sense, not for speed.
    @Suite struct Benches {
        private func object(
            _ session: Session, _ arguments: [String], _ code: Int32 = 0
        ) throws -> [String: Any] {
            let process = try session.start(Programs.bench, arguments)
            try #require(process.wait(atMost: .seconds(50)) == .exited(code), process.story)
            let value = try JSONSerialization.jsonObject(with: Data(process.output.utf8))
            return try #require(value as? [String: Any])
        }

        @Test func `an iteration is timed as a whole and by layer`() throws {
            try withSession { session in
                let step = try object(
                    session,
                    [
                        "step", "--preset", "thin", "--tile", "64", "--iterations", "3",
                        "--layers", "--json",
                    ])
                let times = try #require(step["milliseconds"] as? [Double])
                #expect(times.count == 3 && times.allSatisfy { $0 > 0 })
                let median = try #require(step["medianMilliseconds"] as? Double)
                #expect(times.contains(median))
                let memory = try #require(step["memoryBytes"] as? Int)
                let peak = try #require(step["peakMemoryBytes"] as? Int)
                #expect(memory > 1_000_000 && peak > memory)

                let layers = try #require(step["layers"] as? [String: Any])
                let convolutions = try #require(layers["convolutions"] as? [[String: Any]])
                var passes: [String: Int] = [:]
                var together = 0.0
                for layer in convolutions {
                    let name = try #require(layer["name"] as? String)
                    passes[name] = layer["backwardPassCount"] as? Int
                    for way in ["forward", "backward"] {
                        let time = try #require(layer["\(way)Milliseconds"] as? Double)
                        #expect(time > 0, "\(name)")
                        together += time
                    }
                }
                #expect(together < (times.max() ?? 0) * 1.01)
                // Those that read the network's input have no gradient to carry back to it.
                let single = passes.filter { $0.value == 1 }.keys.sorted()
                #expect(single == ["level0.down.conv", "level0.skip.conv"])
                #expect(passes["output.conv"] == 2)
            }
        }

        @Test func `the ladder checks every way to compute awkward convolutions`() throws {
            try withSession { session in
                let ladder = try object(
                    session,
                    [
                        "ladder", "--preset", "thin", "--tile", "64", "--shapes", "awkward",
                        "--seconds", "0", "--json",
                    ])
                let climbs = try #require(ladder["convolutions"] as? [[String: Any]])
                #expect(climbs.count > 5)
                var ways: Set<[String]> = []
                for climb in climbs {
                    let rungs = try #require(climb["rungs"] as? [[String: Any]])
                    ways.insert(rungs.compactMap { $0["name"] as? String })
                    #expect(rungs.filter { $0["isChosen"] as? Bool == true }.count == 1)
                    for rung in rungs.dropFirst() {
                        let errors = try #require(rung["errors"] as? [String: Double])
                        let name = try #require(rung["name"] as? String)
                        let tolerated = name.contains("bfloat16") ? 3e-2 : 1e-5
                        for (pass, error) in errors {
                            // No two ways round alike: an error of 0 compares a number to itself.
                            #expect(error > 0 && error < tolerated, "\(climb): \(pass) \(error)")
                        }
                        #expect(errors.count == 3)
                    }
                }
                let general = ["naive", "general"]
                #expect(ways == [general, general + ["fast", "fast bfloat16"]])
            }
        }

        @Test func `a fit of a picture is reported on the way`() throws {
            try withSession { session in
                let clean = try Picture(width: 80, height: 72, noise: 0).write(
                    session.path("clean.png"))
                let image = try Picture(width: 80, height: 72, noise: 0.15).write(
                    session.path("in.png"))
                let preset = session.path("mine.json")
                try Files.write(
                    Array(#"{"base": "thin", "tile": 64, "iterations": 3, "seed": 5}"#.utf8), preset
                )
                let arguments = [
                    "fit", image, "--clean", clean, "--preset", preset, "--json",
                ]
                let fit = try object(session, arguments)
                let reports = try #require(fit["reports"] as? [[String: Any]])
                let last = try #require(reports.last)
                #expect(last["iteration"] as? Int == 3)
                #expect(fit["tile"] as? Int == 64)
                #expect((fit["configuration"] as? [String: Any])?["seed"] as? Int == 5)
                for quantity in ["seconds", "loss", "psnrToInput", "psnrToClean"] {
                    let value = try #require(last[quantity] as? Double, "\(quantity)")
                    #expect(value > 0 && value < 60, "\(quantity)")
                }
                // Another clean image, another distance to it.
                let same = try object(session, arguments.map { $0 == clean ? image : $0 })
                let other = try #require(same["reports"] as? [[String: Any]]).last
                #expect(other?["psnrToClean"] as? Double != last["psnrToClean"] as? Double)
                #expect(other?["loss"] as? Double == last["loss"] as? Double)
            }
        }

        @Test func `nonsense is refused with a sentence and a code`() throws {
            try withSession { session in
                let image = try Picture(width: 80, height: 72).write(session.path("in.png"))
                let small = try Picture(width: 70, height: 72).write(session.path("small.png"))
                let refusals: [([String], Int32, String)] = [
                    (["step", "--preset", "x"], 64, "paper-denoise"),
                    (["step", "--tile", "100"], 64, "100"),
                    (["step", "--tile", "0"], 64, "0"),
                    (["step", "--tile", "524288"], 75, "memory"),
                    (["ladder", "--preset", "x"], 64, "paper-denoise"),
                    (["ladder", "--tile", "524288"], 75, "memory"),
                    (["fit", session.path("none.png")], 66, "none.png"),
                    (["fit", image, "--preset", "x"], 64, "paper-denoise"),
                    (["fit", image, "--preset", "x.json"], 64, "x.json"),
                    (["fit", image, "--tile", "128"], 64, "128"),
                    (["fit", image, "--tile", "64", "--clean", small], 64, "small.png"),
                ]
                for (arguments, code, text) in refusals {
                    let process = try session.start(Programs.bench, arguments)
                    expectRefusal(process, code, saying: text)
                }
            }
        }
    }
}
