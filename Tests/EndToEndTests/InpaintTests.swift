import Foundation
import Imaging
import Testing

extension PictureTests {
    /// Missing pixels are filled, and known ones stay.
    @Suite struct Inpainting {
        private static let fit = [
            "--preset", "thin", "--tile", "96", "--overlap", "16", "--workers", "1",
        ]

        private static func isInHole(_ x: Int, _ y: Int) -> Bool {
            (30..<44).contains(x) && (50..<62).contains(y)
        }

        /// A clean picture, the same with a white hole, and masks of the hole in both polarities.
        private struct Files {
            let clean: Picture
            let damaged, missing, known: String

            init(_ session: Session) throws {
                clean = Picture(noise: 0)
                var samples = clean.samples
                for index in samples.indices where isInHole(index / 3 % 96, index / 288) {
                    samples[index] = 255
                }
                damaged = try Inpainting.write(session.path("in.png"), bands: 3, samples)
                missing = try Self.mask(session.path("missing.png")) { isInHole($0, $1) }
                known = try Self.mask(session.path("known.png")) { !isInHole($0, $1) }
            }

            static func mask(_ path: String, isWhite: (Int, Int) -> Bool) throws -> String {
                try Inpainting.write(
                    path, bands: 1,
                    (0..<96 * 96).map { isWhite($0 % 96, $0 / 96) ? 255 : 0 })
            }
        }

        private static func write(_ path: String, bands: Int, _ samples: [UInt8]) throws -> String {
            let header = ImageHeader(
                width: 96, height: samples.count / 96 / bands, colorBands: bands,
                sampleType: .uint8, format: .png)
            let sink = try ImageFormats.createSink(path, like: header)
            try samples.withUnsafeBytes {
                try sink.append(rowCount: header.height, samples: $0)
            }
            try sink.finish()
            return path
        }

        @Test func `a hole is filled close to the truth and known pixels stay`() throws {
            try withSession { session in
                let files = try Files(session)
                let output = session.path("out.png")
                let inpaint = ["--task", "inpaint", "--iterations", "150"] + Self.fit
                try session.succeed(
                    [files.damaged, "-o", output, "--missing", files.missing] + inpaint,
                    atMost: .seconds(120))
                let (before, after) = (files.clean.samples, try Picture(output).samples)
                var errors: [Double] = []
                for index in before.indices {
                    if Self.isInHole(index / 3 % 96, index / 288) {
                        errors.append(abs(Double(before[index]) - Double(after[index])))
                    } else {
                        try #require(before[index] == after[index], "sample \(index)")
                    }
                }
                let mean = errors.reduce(0, +) / Double(errors.count)
                // White, which the hole was, is 90 and more away.
                #expect(mean < 25, "\(mean) of 255")

                // The other polarity is the same job.
                let again = try session.run(
                    [files.damaged, "-o", output, "--known", files.known] + inpaint)
                #expect(again.wait() == .exited(0), again.story)
                #expect(again.errors.contains("is complete"), again.story)
            }
        }

        @Test func `a mask that leaves little known may be the wrong way round, which is said`()
            throws
        {
            try withSession { session in
                let files = try Files(session)
                let mask = try Files.mask(session.path("mask.png")) { x, y in (x + y) % 5 == 0 }
                let fit = ["--task", "inpaint", "--iterations", "2"] + Self.fit
                let known = try session.succeed(
                    [files.damaged, "-o", session.path("a.png"), "--known", mask] + fit)
                #expect(known.errors.contains("7372 of 9216 pixels (79 %) are missing by"))
                let missing = try session.succeed(
                    [files.damaged, "-o", session.path("b.png"), "--missing", mask] + fit)
                #expect(!missing.errors.contains("are missing by"), missing.story)
            }
        }

        @Test func `another mask, task or treatment of known pixels is another job`() throws {
            try withSession { session in
                let files = try Files(session)
                let output = session.path("out.png")
                let fit = ["-o", output, "--iterations", "2"] + Self.fit
                let inpaint = [files.damaged, "--task", "inpaint"] + fit
                try session.succeed(inpaint + ["--missing", files.missing])
                let other = try Files.mask(session.path("other.png")) { x, _ in x == 40 }
                for (options, words) in [
                    (inpaint + ["--missing", other], "the mask is 168 missing pixels"),
                    (inpaint + ["--missing", other], "but 96 missing pixels"),
                    (inpaint + ["--missing", files.missing, "--refit-known"], "known pixels is"),
                    ([files.damaged] + fit, "task is inpaint in the folder, but denoise"),
                ] {
                    expectRefusal(try session.run(options), 78, saying: words)
                }
                let refitted = session.path("refitted.png")
                try session.succeed(
                    [files.damaged, "-o", refitted, "--task", "inpaint", "--missing"]
                        + [files.missing, "--refit-known", "--iterations", "2"] + Self.fit)
                let (before, after) = (files.clean.samples, try Picture(refitted).samples)
                #expect(zip(before, after).count { $0 != $1 } > before.count / 2)
            }
        }

        @Test func `transparent pixels are filled and become opaque`() throws {
            try withSession { session in
                let picture = Picture(width: 80, height: 70, hasAlpha: true, noise: 0)
                let alpha = (0..<80 * 70).map { (pixel: Int) -> UInt16 in
                    pixel % 80 / 20 == 1 ? 0 : UInt16(1 + pixel % 255)
                }
                let input = try Picture(
                    header: picture.header, color: picture.color, alpha: alpha
                ).write(session.path("in.png"))
                let output = session.path("out.png")
                try session.succeed(
                    [input, "-o", output, "--task", "inpaint", "--missing", "alpha"]
                        + ["--iterations", "2"] + Self.fit)
                let after = try Picture(output)
                #expect(after.alpha == alpha.map { $0 == 0 ? 255 : $0 })
                let (old, new) = (picture.samples, after.samples)
                var changed = (filled: 0, known: 0)
                for index in old.indices where old[index] != new[index] {
                    if alpha[index / 3] == 0 { changed.filled += 1 } else { changed.known += 1 }
                }
                #expect(changed.known == 0 && changed.filled > 3000)
            }
        }

        @Test func `what is missing by its value needs no mask, and one may come to it`() throws {
            try withSession { session in
                let header = ImageHeader(
                    width: 96, height: 64, colorBands: 2, sampleType: .float32, format: .tiff,
                    tiffCompression: TIFFCompression.none)
                // Missing in one band alone.
                let before = (0..<96 * 64 * 2).map { (index: Int) -> Float in
                    index % 1000 == 501 ? .nan : Float(500 + index / 2 % 96)
                }
                let input = session.path("in.tif")
                let sink = try ImageFormats.createSink(input, like: header)
                try before.withUnsafeBytes { try sink.append(rowCount: 64, samples: $0) }
                try sink.finish()
                let column = try Self.write(
                    session.path("column.png"), bands: 1,
                    (0..<96 * 64).map { $0 % 96 == 20 ? 255 : 0 })
                let inpaint = [input, "--task", "inpaint", "--iterations", "2"] + Self.fit
                let keep = ["--nodata", "keep"]
                for (name, options) in [
                    ("a.tif", []), ("b.tif", ["--missing", column]),
                    ("c.tif", ["--missing", column] + keep),
                ] {
                    let output = session.path(name)
                    try session.succeed(inpaint + ["-o", output] + options)
                    var after = [Float](repeating: 0, count: before.count)
                    let source = try ImageFormats.open(output)
                    try after.withUnsafeMutableBytes {
                        try source.readRaw(PixelRegion(x: 0, y: 0, width: 96, height: 64), into: $0)
                    }
                    for index in before.indices {
                        let isInColumn = index / 2 % 96 == 20 && !options.isEmpty
                        let isFilled = before[index].isNaN && !options.contains("keep")
                        let isSame = before[index].bitPattern == after[index].bitPattern
                        try #require(isSame != (isFilled || isInColumn), "\(name), \(index)")
                        try #require(!isFilled || (400...700).contains(after[index]))
                    }
                }
                let process = try session.run(inpaint + ["-o", session.path("d.tif")] + keep)
                expectRefusal(process, 64, saying: "leaves nothing to be filled")
            }
        }

        @Test func `a mask that is none is refused before any work`() throws {
            try withSession { session in
                let files = try Files(session)
                let small = try Self.write(
                    session.path("small.png"), bands: 1, [UInt8](repeating: 255, count: 960))
                let black = try Files.mask(session.path("black.png")) { _, _ in false }
                let white = try Files.mask(session.path("white.png")) { _, _ in true }
                let half = try Files.mask(session.path("half.png")) { x, _ in x < 70 }
                let text = session.path("text.png")
                try Data("no image".utf8).write(to: URL(fileURLWithPath: text))
                let names = session.names
                let inpaint = ["--task", "inpaint"]
                for (options, code, words) in [
                    (inpaint, 64, "nothing is missing"),
                    (inpaint + ["--missing", "alpha"], 64, "has none"),
                    (inpaint + ["--missing", black, "--known", black], 64, "exclude each other"),
                    (["--missing", black], 64, "--missing is given without --task inpaint"),
                    (["--refit-known"], 64, "--refit-known is given without --task inpaint"),
                    (["--task", "paint"], 64, "inpaint"),
                    (inpaint + ["--missing", small], 65, "96 x 10 pixels"),
                    (inpaint + ["--missing", files.damaged], 65, "it has a colour"),
                    (inpaint + ["--missing", black], 65, "marks no pixel"),
                    (inpaint + ["--known", black], 65, "marks every pixel"),
                    (inpaint + ["--missing", white], 65, "marks every pixel"),
                    (inpaint + ["--missing", half, "--tile", "64"], 65, "no known pixel"),
                    (inpaint + ["--missing", text], 65, "not an image"),
                    (inpaint + ["--known", session.path("none.png")], 66, "no such file"),
                    (inpaint + ["--known", black, "-o", black, "--overwrite"], 73, "the mask"),
                ] {
                    let output = options.contains("-o") ? [] : ["-o", session.path("out.png")]
                    let process = try session.run([files.damaged] + Self.fit + output + options)
                    expectRefusal(process, Int32(code), saying: words)
                }
                #expect(session.names == names)
            }
        }

        @Test func `a plan tells how much is missing`() throws {
            try withSession { session in
                let files = try Files(session)
                let plan = try session.succeed([
                    "plan", files.damaged, "--task", "inpaint", "--missing", files.missing,
                ])
                #expect(plan.output.contains("missing    168 of 9216 pixels"), plan.story)
            }
        }
    }
}

extension Picture {
    /// Colour samples of 8 bits.
    fileprivate var samples: [UInt8] { color.map { UInt8(($0 * 255).rounded()) } }
}
