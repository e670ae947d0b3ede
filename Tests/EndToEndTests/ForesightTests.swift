import Foundation
import Glibc
import Imaging
import Testing

extension PictureTests {
    /// What cannot come to a good end is refused before any fit, and nothing is left behind.
    @Suite struct Foresight {
        private static let fit = [
            "--preset", "thin", "--tile", "64", "--overlap", "16", "--iterations", "2",
            "--workers", "1", "--quiet",
        ]

        @Test func `two outputs in one place are refused, however it is spelled`() throws {
            try withSession { session in
                let image = try Picture().write(session.path("in.png"))
                let folder = URL(fileURLWithPath: session.path("out.tif"))
                    .deletingLastPathComponent().path
                let (output, other) = ("\(folder)/out.tif", "\(folder)/./out.tif")
                let (map, same) = ("\(folder)/m.tif", "\(folder)/./m.tif")
                for (options, words) in [
                    (["--disagreement", other], "neither the output nor another map"),
                    (["--uncertainty", map, "--disagreement", same], "nor another map"),
                    (["--save-start", other], "is written there"),
                ] {
                    expectRefusal(
                        try session.run([image, "-o", output] + options + Self.fit), 64,
                        saying: words)
                }
                expectRefusal(
                    try session.run(
                        [image, "-o", output, "--save-start", "\(folder)/none/s"] + Self.fit), 73,
                    saying: "--save-start")
                #expect(session.names == ["in.png"])
            }
        }

        @Test func `a link that leads nowhere is no output`() throws {
            try withSession { session in
                let image = try Picture().write(session.path("in.png"))
                let link = session.path("out.png")
                symlink(session.path("none/there.png"), link)
                expectRefusal(
                    try session.run([image, "-o", link, "--overwrite"] + Self.fit), 73,
                    saying: "leads nowhere")
                #expect(session.names == ["in.png", "out.png"])
            }
        }

        @Test func `options that would do nothing, or contradict another, are refused`() throws {
            try withSession { session in
                let image = try Picture().write(session.path("in.png"))
                let mask = session.path("mask.png")
                let header = ImageHeader(
                    width: 96, height: 96, colorBands: 1, sampleType: .uint8, format: .png)
                try Picture(
                    header: header, color: (0..<96 * 96).map { Float($0 % 96 / 90) }, alpha: nil
                ).write(mask)
                for (options, words) in [
                    (
                        ["--task", "inpaint", "--missing", mask, "--strength", "0.5"],
                        "add --refit-known"
                    ),
                    (["--sigma", "10", "--noise", "poisson"], "leave one of both out"),
                    (
                        ["--stop", "pilots", "--iterations", "1000000"],
                        "iterations are too many for pilots"
                    ),
                ] {
                    expectRefusal(
                        try session.run(
                            [image, "-o", session.path("out.png")] + Self.fit + options), 64,
                        saying: words)
                }
            }
        }

        @Test(arguments: ["measuresStop", "stopRule", "noiseDeviation", "factor"])
        func `a preset's file does not say what an option says`(field: String) throws {
            try withSession { session in
                let values = ["measuresStop": "true", "stopRule": "\"held-out\""]
                let file = session.path("a.json")
                try Files.write(
                    Array("{\"\(field)\": \(values[field] ?? "4")}".utf8), file)
                expectRefusal(
                    try session.run(["presets", file]), 64,
                    saying: "\"\(field)\" is no field of a preset")
            }
        }

        @Test func `a page that cannot be restored is found before the first one is`() throws {
            try withSession { session in
                let parts = [(session.path("0.tif"), 80), (session.path("1.tif"), 20)]
                for (path, side) in parts { try Picture(width: side, height: 80).write(path) }
                let input = session.path("in.tif")
                try JoinedTIFF(input, pages: parts.map(\.0), overwrite: false).finish()
                expectRefusal(
                    try session.run(
                        [
                            input, "-o", session.path("out.tif"), "--page", "all", "--region",
                            "0,0,40,40",
                        ] + Self.fit), 64, saying: "page 2: ")
                #expect(session.names == ["0.tif", "1.tif", "in.tif"])
            }
        }

        /// A float image without a hole's samples.
        private func image(
            _ session: Session, isMissing: (Int, Int) -> Bool
        ) throws -> String {
            try writeTIFF(session.path("in.tif"), .float32, side: (288, 288)) { x, y in
                isMissing(x, y) ? .nan : Float((288 * y + x) % 97)
            }
        }

        @Test func `a fill value far beyond the range spoils no fit`() throws {
            try withSession { session in
                let path = session.path("in.tif")
                try writeTIFF(path, .float32, side: (96, 96)) { x, y in
                    y < 20 ? -3.4e38 : Float((96 * y + x) % 97)
                }
                for preset in ["thin", "fast"] {
                    try session.succeed([
                        path, "-o", session.path("\(preset).tif"), "--range", "0,100",
                        "--preset", preset, "--iterations", "2", "--workers", "1", "--quiet",
                    ])
                }
            }
        }

        @Test func `a plan is of one page`() throws {
            try withSession { session in
                let image = try Picture().write(session.path("in.tif"))
                expectRefusal(
                    try session.run(["plan", image, "--page", "all"]), 64, saying: "one page")
            }
        }

        @Test func `nothing is filled where nothing is known`() throws {
            try withSession { session in
                let image = try image(session) { _, _ in true }
                expectRefusal(
                    try session.run(
                        [image, "-o", session.path("out.tif"), "--task", "inpaint"] + Self.fit),
                    65, saying: "nothing is known")
            }
        }

        @Test func `weights are made where there is something to learn`() throws {
            try withSession { session in
                let image = try image(session) { x, y in
                    (64..<224).contains(x) && (64..<224).contains(y)
                }
                var outputs: [[UInt8]?] = []
                for start in ["random", "shared"] {
                    let output = session.path("\(start).tif")
                    try session.succeed(
                        [image, "-o", output, "--start", start] + Self.fit)
                    outputs.append(Files.bytes(output))
                }
                #expect(outputs[0] != nil && outputs[0] != outputs[1])
            }
        }

        @Test func `a map of a job that is done is missed aloud`() throws {
            try withSession { session in
                let image = try Picture().write(session.path("in.png"))
                let command = [image, "-o", session.path("out.png")] + Self.fit.dropLast()
                try session.succeed(command)
                let map = session.path("map.tif")
                let again = try session.succeed(command + ["--disagreement", map])
                #expect(again.errors.contains("--disagreement is not written"), again.story)
                #expect(!session.names.contains("map.tif"))
            }
        }

        @Test func `a plan says what the network will be given`() throws {
            try withSession { session in
                let image = try Picture().write(session.path("in.png"))
                let plan = try session.succeed([
                    "plan", image, "--sigma", "25", "--preset", "fast",
                ])
                #expect(plan.output.contains("input coarse of 32 channels"), plan.story)
                let usual = try session.succeed(["plan", image, "--preset", "fast"])
                #expect(usual.output.contains("input masked of 8 channels"), usual.story)
                let large = try session.succeed([
                    "plan", image, "--task", "upscale", "--factor", "2", "--tile", "64",
                ])
                #expect(large.output.contains("1200 iterations a tile"), large.story)
            }
        }
    }
}
