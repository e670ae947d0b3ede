import Foundation
import Imaging
import Testing

extension PictureTests {
    /// Images that are enlarged.
    @Suite struct Upscaling {
        private static let fit = [
            "--preset", "thin", "--tile", "96", "--overlap", "16", "--workers", "1",
        ]

        /// Every pixel the mean of factor x factor.
        private static func reduced(_ picture: Picture, by factor: Int) -> Picture {
            var header = picture.header
            (header.width, header.height) = (header.width / factor, header.height / factor)
            let bands = header.colorBands
            let color = (0..<header.width * header.height * bands).map { index -> Float in
                let (x, y) = (index / bands % header.width, index / bands / header.width)
                var sum: Float = 0
                for v in y * factor..<(y + 1) * factor {
                    for u in x * factor..<(x + 1) * factor {
                        sum += picture.color[(v * picture.header.width + u) * bands + index % bands]
                    }
                }
                return sum / Float(factor * factor)
            }
            return Picture(header: header, color: color, alpha: nil)
        }

        @Test func `an enlarged picture is the larger one, tile by tile`() throws {
            try withSession { session in
                let clean = Picture(width: 160, height: 96, noise: 0)
                let input = try Self.reduced(clean, by: 2).write(session.path("in.png"))
                let output = session.path("out.png")
                let process = try session.succeed(
                    [input, "-o", output, "--task", "upscale", "--factor", "2"]
                        + ["--iterations", "200", "--keep-job"] + Self.fit,
                    atMost: .seconds(120))
                #expect(process.errors.contains("2 of 2, 96 x 96 pixels"), process.story)
                let after = try Picture(output)
                #expect(after.header.width == 160 && after.header.height == 96)
                // A shift by one pixel alone would be 6e-3.
                #expect(after.meanSquaredError(clean) < 4e-3)
                let status = try session.succeed(["status", output + ".dip"])
                #expect(status.output.contains("80 x 48 pixels, enlarged 2 times"), status.story)

                // Another factor is another job.
                expectRefusal(
                    try session.run(
                        [input, "-o", output, "--task", "upscale", "--iterations", "200"]
                            + Self.fit), 78, saying: "factor is 2 in the folder, but 4")
            }
        }

        @Test func `outside the region the image is enlarged plainly, and so is what stays`() throws
        {
            try withSession { session in
                var header = ImageHeader(
                    width: 60, height: 40, colorBands: 1, alpha: .unassociated,
                    sampleType: .uint16, format: .tiff,
                    resolution: Resolution(x: 100, y: 100, unit: .centimeter))
                header.metadata.nodata = 7
                let samples = (0..<60 * 40).flatMap { pixel -> [UInt16] in
                    let (x, y) = (pixel % 60, pixel / 60)
                    return [x == 30 && y > 20 ? 7 : UInt16(1000 + 40 * x + y), UInt16(x * 1000)]
                }
                let (input, whole) = (session.path("in.tif"), session.path("whole.tif"))
                let sink = try ImageFormats.createSink(input, like: header)
                try samples.withUnsafeBytes { try sink.append(rowCount: 40, samples: $0) }
                try sink.finish()
                let part = session.path("part.tif")
                let upscale =
                    [input, "--task", "upscale", "--factor", "3", "--region", "10,5,44,33"]
                    + ["--iterations", "2"] + Self.fit
                try session.succeed(upscale + ["-o", whole])
                try session.succeed(upscale + ["-o", part, "--crop"])

                func read(_ source: any ImageSource, _ region: PixelRegion? = nil) throws
                    -> [UInt16]
                {
                    let header = source.header
                    let region =
                        region
                        ?? PixelRegion(x: 0, y: 0, width: header.width, height: header.height)
                    var samples = [UInt16](repeating: 0, count: 2 * region.width * region.height)
                    try samples.withUnsafeMutableBytes { try source.readRaw(region, into: $0) }
                    return samples
                }
                let plain = try read(
                    EnlargedSource(try ImageFormats.open(input), factor: 3))
                let output = try ImageFormats.open(whole)
                #expect(output.header.width == 180 && output.header.height == 120)
                #expect(output.header.metadata.resolution?.x == 300)
                let restored = try read(output)
                var changed = 0
                for pixel in 0..<180 * 120 {
                    let (x, y) = (pixel % 180, pixel / 180)
                    try #require(restored[2 * pixel + 1] == plain[2 * pixel + 1], "alpha")
                    let stays =
                        !(30..<162).contains(x) || !(15..<114).contains(y)
                        || plain[2 * pixel] == 7
                    if stays { try #require(restored[2 * pixel] == plain[2 * pixel], "\(x) \(y)") }
                    changed += restored[2 * pixel] == plain[2 * pixel] ? 0 : 1
                }
                #expect(changed > 10000)
                #expect(
                    try read(ImageFormats.open(part))
                        == read(output, PixelRegion(x: 30, y: 15, width: 132, height: 99)))
            }
        }

        @Test func `what cannot be enlarged so is refused before any work`() throws {
            try withSession { session in
                let input = try Picture(width: 40, height: 30).write(session.path("in.png"))
                let long = try Picture(width: 8200, height: 1).write(session.path("long.png"))
                let upscale = ["--task", "upscale"]
                for (file, options, words) in [
                    (input, upscale + ["--factor", "5"], "2, 3, 4 or 8 is wanted"),
                    (input, upscale + ["--factor", "-2"], "2, 3, 4 or 8 is wanted"),
                    (input, ["--factor", "4"], "--factor is given without --task upscale"),
                    (input, upscale + ["--missing", input], "without --task inpaint"),
                    (input, upscale + ["--factor", "3", "--tile", "64"], "at least 96 pixels"),
                    (input, upscale + ["--region", "0,0,100,10"], "40 x 30"),
                    (long, upscale + ["--factor", "8", "-o", session.path("a.jpg")], "65500"),
                ] {
                    let output = options.contains("-o") ? [] : ["-o", session.path("out.png")]
                    let process = try session.run([file, "--workers", "1"] + output + options)
                    expectRefusal(process, 64, saying: words)
                }
                #expect(session.names == ["in.png", "long.png"])
            }
        }

        @Test func `a plan tells the size of the output`() throws {
            try withSession { session in
                let input = try Picture(width: 40, height: 30).write(session.path("in.png"))
                let plan = try session.succeed(["plan", input, "--task", "upscale"])
                #expect(plan.output.contains("upscale    4 times, to 160 x 120 pixels"), plan.story)
                let eight = try session.succeed(
                    ["plan", input, "--task", "upscale", "--factor", "8", "--json"]
                        + ["--preset", "paper-upscale"])
                #expect(eight.output.contains("\"iterations\":4000"), eight.story)
                #expect(eight.output.contains("\"outputWidth\":320"), eight.story)
            }
        }
    }
}
