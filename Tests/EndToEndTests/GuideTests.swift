import Foundation
import Imaging
import Testing

extension PictureTests {
    /// What the network is given in place of noise.
    @Suite struct Guides {
        private static let fit = [
            "--preset", "thin", "--tile", "96", "--overlap", "16", "--workers", "1",
        ]

        @Test func `a guide is what the network gets, and another one is another job`() throws {
            try withSession { session in
                let (gray, guides) = (Picture(bands: 1, noise: 0).header, [48, 20])
                func edge(at column: Int) -> Picture {
                    Picture(
                        header: gray, color: (0..<96 * 96).map { $0 % 96 < column ? 0.2 : 0.8 },
                        alpha: nil)
                }
                let flat = Picture(
                    header: gray, color: [Float](repeating: 0.5, count: 96 * 96), alpha: nil)
                let input = try flat.write(session.path("in.png"))
                let output = session.path("out.png")
                let paths = try guides.map {
                    try edge(at: $0).write(session.path("edge-\($0).png"))
                }
                let job =
                    [input, "-o", output, "--task", "guided", "--iterations", "2"] + Self.fit
                try session.succeed(job + ["--guide", paths[0]])
                // What the network makes at first of an edge has one at its place.
                let color = try Picture(output).color
                var steps = [Float](repeating: 0, count: 96)
                for index in color.indices where index % 96 > 0 {
                    steps[index % 96] += abs(color[index] - color[index - 1])
                }
                let greatest = try #require(steps.indices.max { steps[$0] < steps[$1] })
                #expect(abs(greatest - guides[0]) <= 4, "\(steps)")

                let same = try edge(at: 48).write(session.path("same.tif"))
                let again = try session.run(job + ["--guide", same])
                #expect(again.wait() == .exited(0), again.story)
                expectRefusal(
                    try session.run(job + ["--guide", paths[1]]), 78, saying: "the guide is ")
            }
        }

        @Test func `tiles of many sizes and bands travel with their guide`() throws {
            try withSession { session in
                let input = try Picture(
                    width: 70, height: 50, bands: 1, hasAlpha: true
                ).write(session.path("in.png"))
                var header = ImageHeader(
                    width: 70, height: 50, colorBands: 16, sampleType: .float32, format: .tiff,
                    tiffCompression: TIFFCompression.none)
                header.metadata.nodata = -1
                let guide = session.path("guide.tif")
                let sink = try ImageFormats.createSink(guide, like: header)
                let samples = (0..<70 * 50 * 16).map { (index: Int) -> Float in
                    index % 501 == 3 ? -1 : Float(index % 97)
                }
                try samples.withUnsafeBytes { try sink.append(rowCount: 50, samples: $0) }
                try sink.finish()
                for (name, options) in [("a.png", []), ("b.png", ["--region", "3,2,60,40"])] {
                    try session.succeed(
                        [input, "-o", session.path(name), "--task", "guided", "--guide", guide]
                            + ["--iterations", "2"] + Self.fit + options)
                }
                let plan = try session.succeed(
                    ["plan", input, "--task", "guided", "--guide", guide])
                #expect(plan.output.contains("preset paper-guided, 601"), plan.story)
                #expect(plan.output.contains("guide of 16 channels"), plan.story)
            }
        }

        @Test func `the image or places in it can be the input, and that belongs to the job`()
            throws
        {
            try withSession { session in
                let input = try Picture(width: 60, height: 40).write(session.path("in.png"))
                let fit = ["--iterations", "2"] + Self.fit
                for task in [["denoise"], ["upscale", "--factor", "2"]] {
                    var outputs: [[Float]] = []
                    for kind in ["noise", "image", "meshgrid"] {
                        let output = session.path("\(task[0])-\(kind).png")
                        try session.succeed(
                            [input, "-o", output, "--input", kind, "--task"] + task + fit)
                        outputs.append(try Picture(output).color)
                    }
                    #expect(outputs[0] != outputs[1] && outputs[1] != outputs[2])
                    #expect(outputs[0] != outputs[2])
                }
                let job = [input, "-o", session.path("denoise-image.png")] + fit
                expectRefusal(
                    try session.run(job), 78, saying: "input is image in the folder, but noise")
            }
        }

        @Test func `a guide that is none is refused before any work`() throws {
            try withSession { session in
                let input = try Picture(width: 80, height: 64).write(session.path("in.png"))
                let small = try Picture(width: 40, height: 64).write(session.path("small.png"))
                let text = session.path("text.png")
                try Data("no image".utf8).write(to: URL(fileURLWithPath: text))
                let names = session.names
                let guided = ["--task", "guided"]
                for (options, code, words) in [
                    (guided, 64, "needs --guide"),
                    (["--guide", small], 64, "--guide is given without --task guided"),
                    (guided + ["--guide", input, "--input", "image"], 64, "--input is image"),
                    (["--input", "guide"], 64, "meshgrid"),
                    (guided + ["--guide", small], 65, "40 x 64 pixels, but the image has 80 x 64"),
                    (guided + ["--guide", text], 65, "not an image"),
                    (guided + ["--guide", session.path("none.png")], 66, "no such file"),
                    (guided + ["--guide", text, "-o", text, "--overwrite"], 65, "not an image"),
                ] {
                    let output = options.contains("-o") ? [] : ["-o", session.path("out.png")]
                    let process = try session.run([input] + Self.fit + output + options)
                    expectRefusal(process, Int32(code), saying: words)
                }
                let guide = try Picture(width: 80, height: 64).write(session.path("guide.png"))
                expectRefusal(
                    try session.run(
                        [input, "-o", guide, "--overwrite", "--guide", guide] + guided + Self.fit),
                    73, saying: "is the guide itself")
                #expect(session.names == (names + ["guide.png"]).sorted())
            }
        }
    }
}
