import Foundation
import Glibc
import Testing

extension PictureTests {
    @Suite struct Presets {
        private func object(_ text: String) throws -> [String: Any] {
            try #require(
                try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        }

        private func plan(
            _ session: Session, _ image: String, _ more: String...
        ) throws -> [String: Any] {
            try object(try session.succeed(["plan", image, "--json"] + more).output)
        }

        private func write(_ session: Session, _ name: String, _ text: String) throws -> String {
            try Files.write(Array(text.utf8), session.path(name))
            return session.path(name)
        }

        @Test func `presets are listed with what they cost`() throws {
            try withSession { session in
                let text = try session.succeed(["presets"]).output
                let list = try object(try session.succeed(["presets", "--json"]).output)
                let rows = try #require(list["presets"] as? [[String: Any]])
                #expect(rows.count >= 8)
                for row in rows {
                    let name = try #require(row["name"] as? String)
                    let line = text.split(separator: "\n").first { $0.hasPrefix(name + " ") }
                    #expect(line?.contains("\(row["iterations"] as? Int ?? -1)") == true, "\(name)")
                    let cost = try #require(row["operationsPerMegapixel"] as? Double)
                    #expect((1e12..<1e17).contains(cost), "\(name) \(cost)")
                    #expect((row["purpose"] as? String)?.isEmpty == false)
                }
                let chosen = rows.filter { $0["isDefault"] as? Bool == true }
                #expect(chosen.compactMap { $0["name"] as? String } == ["balanced"])
            }
        }

        @Test func `a preset that is shown can be changed, listed and used`() throws {
            try withSession { session in
                let shown = try session.succeed(["presets", "--show", "thin"]).output
                let mine = try write(
                    session, "mine.json",
                    shown.replacing("{\n", with: "{\n  \"iterations\": 3,\n")
                        .replacing("\"tile\": 256", with: "\"tile\": 64")
                        .replacing("\"overlap\": 32", with: "\"overlap\": 16"))
                let list = try object(try session.succeed(["presets", mine, "--json"]).output)
                let row = try #require((list["presets"] as? [[String: Any]])?.first)
                #expect(row["name"] as? String == mine)
                #expect(row["iterations"] as? Int == 3)

                let image = try Picture(width: 100, height: 64).write(session.path("in.png"))
                try session.succeed([
                    image, "-o", session.path("out.png"), "--preset", mine, "--workers", "2",
                    "--quiet",
                ])
                let (job, configuration) = try session.describedJob()
                #expect(job["preset"] as? String == mine)
                let plan = try #require(job["plan"] as? [String: Any])
                #expect(plan["tile"] as? Int == 64 && plan["overlap"] as? Int == 16)
                #expect(configuration["iterations"] as? Int == 3)
                // The same pixels under a name, with what the file says said by options.
                try session.succeed([
                    image, "-o", session.path("named.png"), "--preset", "thin", "--iterations",
                    "3", "--tile", "64", "--overlap", "16", "--workers", "1", "--quiet",
                ])
                #expect(
                    Files.bytes(session.path("named.png")) == Files.bytes(session.path("out.png")))
            }
        }

        @Test func `options go before a preset's tiles, iterations and seed`() throws {
            try withSession { session in
                let image = try Picture(width: 400, height: 400).write(session.path("in.png"))
                let usual = try plan(session, image)
                #expect(usual["preset"] as? String == "balanced")
                #expect(usual["iterations"] as? Int == 800)
                #expect(usual["iterationsMaximum"] as? Int == 1600)
                #expect(usual["pilotCount"] as? Int == 4)
                #expect(usual["windowWidth"] as? Int == 128 && usual["overlap"] as? Int == 32)
                #expect(usual["restarts"] as? Int == 2 && usual["input"] as? String == "masked")
                let best = try plan(session, image, "--preset", "best", "--tile", "256")
                #expect(best["windowWidth"] as? Int == 224 && best["restarts"] as? Int == 4)
                let once = try plan(session, image, "--preset", "best", "--restarts", "1")
                #expect(once["restarts"] as? Int == 1)
                let wide = try plan(
                    session, image, "--preset", "fast", "--overlap", "64", "--iterations", "7")
                #expect(wide["overlap"] as? Int == 64 && wide["iterations"] as? Int == 7)
                #expect(wide["pilotCount"] as? Int == 0 && wide["iterationsMaximum"] == nil)
                expectRefusal(
                    try session.run(["plan", image, "--overlap", "64", "--tile", "64"]), 64,
                    saying: "overlap")
            }
        }

        @Test func `loss, noise and counts are in the job, by options or the preset`() throws {
            try withSession { session in
                let image = try Picture(width: 64, height: 64).write(session.path("in.png"))
                let mine = try write(
                    session, "mine.json",
                    """
                    {"base": "thin", "tile": 64, "overlap": 16, "iterations": 2,
                     "noiseModel": "poisson", "dataTerm": "huber", "huberThreshold": 0.2}
                    """)
                func configuration(_ more: String...) throws -> [String: Any] {
                    try session.succeed(
                        [
                            image, "-o", session.path("out.png"), "--preset", mine, "--workers",
                            "1", "--quiet", "--fresh", "--overwrite",
                        ] + more)
                    return try session.describedJob().configuration
                }
                let preset = try configuration()
                #expect(preset["dataTerm"] as? String == "huber")
                #expect(preset["huberThreshold"] as? Double == 0.2)
                #expect(preset["noiseModel"] as? String == "poisson")
                #expect(preset["photonScale"] as? Double == 255)
                let said = try configuration(
                    "--loss", "l1", "--tv", "0.01", "--range", "16,216", "--counts-per-value",
                    "0.5")
                #expect(said["dataTerm"] as? String == "l1")
                #expect(said["totalVariationWeight"] as? Double == 0.01)
                #expect(said["photonScale"] as? Double == 100)
                #expect(said["photonOffset"] as? Double == 8)
                let plain = try configuration("--noise", "gaussian", "--loss", "squared")
                #expect(plain["noiseModel"] as? String == "gaussian")
                #expect(plain["photonScale"] as? Double == 255)
            }
        }

        @Test func `a preset of one's own that makes no sense is refused, naming file and field`()
            throws
        {
            try withSession { session in
                let image = try Picture(width: 100, height: 64).write(session.path("in.png"))
                let cases = [
                    (#"{"warmUp": 3}"#, "warmUp"), (#"{"iterations": "many"}"#, "iterations"),
                    (#"{"tile": 1}"#, "tile"), (#"{"task": "inpaint"}"#, "--task"), ("", "JSON"),
                    (#"{"averageDecay": 1}"#, "averageDecay"),
                ]
                for (text, field) in cases {
                    let mine = try write(session, "mine.json", text)
                    for arguments in [
                        [image, "--preset", mine, "--workers", "1"],
                        ["plan", image, "--preset", mine], ["presets", mine],
                        ["presets", "--show", mine],
                    ] {
                        let process = try session.run(arguments, atMost: .seconds(15))
                        expectRefusal(process, 64, saying: field)
                        #expect(process.errors.contains("mine.json"), process.story)
                    }
                }
                mkdir(session.path("folder.json"), 0o777)
                for (name, code) in [("none.json", 66), ("folder.json", 64)] as [(String, Int32)] {
                    expectRefusal(
                        try session.run(["presets", session.path(name)]), code, saying: name)
                }
                #expect(session.names == ["folder.json", "in.png", "mine.json"])
            }
        }
    }
}
