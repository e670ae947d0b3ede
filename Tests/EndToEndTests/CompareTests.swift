import Foundation
import Testing

extension PictureTests {
    @Suite struct ComparingAndPlanning {
        /// The object that a command printed.
        private func json(_ process: RunningProcess) throws -> [String: Any] {
            try #require(process.wait() == .exited(0), process.story)
            let object = try JSONSerialization.jsonObject(with: Data(process.output.utf8))
            return try #require(object as? [String: Any], process.story)
        }

        @Test func `identical images are infinitely alike`() throws {
            try withSession { session in
                let path = try Picture().write(session.path("a.png"))
                try Picture().write(session.path("b.tif"))
                let process = try session.succeed(["compare", path, session.path("b.tif")])
                #expect(process.output == "PSNR inf dB\nSSIM 1.0000\n", process.story)
                #expect(process.errors.isEmpty)

                // JSON has no word for infinity.
                let object = try json(
                    session.run(["compare", path, session.path("b.tif"), "--json"]))
                #expect(object["psnr"] == nil || object["psnr"] is NSNull)
                #expect(object["ssim"] as? Double == 1)
                #expect(session.names == ["a.png", "b.tif"])
            }
        }

        @Test func `the printed PSNR is that of the pixels`() throws {
            try withSession { session in
                let a = try Picture().write(session.path("a.png"))
                let b = try Picture(seed: 2).write(session.path("b.png"))
                let error = try Picture(a).meanSquaredError(Picture(b))
                let psnr = -10 * log10(error)
                let text = String(format: "PSNR %.2f dB", psnr)
                let process = try session.succeed(["compare", a, b])
                #expect(process.output.hasPrefix(text), process.story)
                let object = try json(session.run(["compare", a, b, "--json"]))
                let printed = try #require(object["psnr"] as? Double)
                #expect(abs(printed - psnr) < 1e-3, "|\(printed) - \(psnr)| < 0.001")
            }
        }

        @Test func `images of other size, other bands or none at all cannot be compared`() throws {
            try withSession { session in
                let a = try Picture().write(session.path("a.png"))
                try Picture(width: 95).write(session.path("narrow.png"))
                try Picture(bands: 1).write(session.path("gray.png"))
                try Files.write([1, 2, 3], session.path("text.png"))
                for (name, code) in [
                    ("narrow.png", 65), ("gray.png", 65), ("text.png", 65), ("none.png", 66),
                ] as [(String, Int32)] {
                    expectRefusal(try session.run(["compare", a, session.path(name)]), code)
                    expectRefusal(
                        try session.run(["compare", session.path(name), a, "--json"]), code)
                }
            }
        }

        @Test func `a plan tells the tiles and does nothing`() throws {
            try withSession { session in
                let path = try Reference.picture.write(session.path("in.png"))
                let options = ["--preset", "thin", "--tile", "64", "--overlap", "16"]
                let process = try session.succeed(["plan", path] + options)
                let line = process.output.split(separator: "\n").first { $0.hasPrefix("tiles") }
                #expect(line?.contains(/\b6\b.*64 x 64/) == true, process.story)
                let object = try json(session.run(["plan", path, "--json"] + options))
                #expect(object["tileCount"] as? Int == Reference.tileCount)
                #expect(object["windowWidth"] as? Int == 64)
                #expect(session.names == ["in.png"])
            }
        }

        @Test func `a plan refuses what the job would refuse`() throws {
            try withSession { session in
                let path = try Picture().write(session.path("in.png"))
                expectRefusal(try session.run(["plan", path, "--tile", "3"]), 64)
                expectRefusal(try session.run(["plan", path, "--overlap", "256"]), 64)
                expectRefusal(try session.run(["plan", session.path("none.png")]), 66)
            }
        }
    }
}
