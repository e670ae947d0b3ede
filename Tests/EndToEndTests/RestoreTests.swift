import Foundation
import Imaging
import Testing

extension PictureTests {
    @Suite struct Restoring {
        private static let quick = [
            "--preset", "thin", "--tile", "64", "--overlap", "16", "--seed", "3",
        ]

        /// Restores `input` and compares what must not change.
        private func restore(
            _ input: Picture, _ inputName: String, _ outputName: String
        ) throws -> Picture {
            var restored: Picture?
            try withSession { session in
                try input.write(session.path(inputName))
                let before = try Picture(session.path(inputName))
                let process = try session.succeed(
                    [
                        session.path(inputName), "-o", session.path(outputName), "--workers", "2",
                        "--iterations", "4", "--quiet",
                    ] + Self.quick)
                #expect(process.output.isEmpty && process.errors.isEmpty, process.story)
                let after = try Picture(session.path(outputName))
                #expect(after.header.width == before.header.width)
                #expect(after.header.height == before.header.height)
                #expect(after.header.colorBands == before.header.colorBands)
                #expect(after.header.sampleType == before.header.sampleType)
                #expect(after.alpha == before.alpha)
                #expect(after.color != before.color)
                #expect(session.names == [inputName, outputName, outputName + ".dip"].sorted())
                restored = after
            }
            return try #require(restored)
        }

        @Test func `an 8-bit colour PNG keeps its size, depth and bands`() throws {
            let restored = try restore(Picture(), "in.png", "out.png")
            #expect(restored.header.format == .png && restored.header.colorBands == 3)
            #expect(restored.header.sampleType == .uint8)
        }

        @Test func `a 16-bit gray TIFF keeps its size, depth and bands`() throws {
            let restored = try restore(
                Picture(bands: 1, sampleType: .uint16), "in.tif", "out.tiff")
            #expect(restored.header.format == .tiff && restored.header.colorBands == 1)
            #expect(restored.header.sampleType == .uint16)
        }

        @Test func `alpha goes through untouched`() throws {
            let picture = Picture(hasAlpha: true)
            let restored = try restore(picture, "in.png", "out.png")
            #expect(restored.alpha != nil && restored.alpha == picture.alpha)
        }

        @Test func `a picture smaller than a window keeps its size`() throws {
            let restored = try restore(Picture(width: 41, height: 23), "in.png", "out.png")
            #expect(restored.header.width == 41 && restored.header.height == 23)
        }

        @Test func `a noisy picture comes nearer to the clean one`() throws {
            let clean = Picture(width: 64, height: 64, noise: 0)
            let noisy = Picture(width: 64, height: 64, noise: 0.15)
            try withSession { session in
                try noisy.write(session.path("in.png"))
                try session.succeed(
                    [
                        session.path("in.png"), "-o", session.path("out.png"), "--workers", "1",
                        "--iterations", "120", "--quiet",
                    ] + Self.quick)
                let restored = try Picture(session.path("out.png"))
                let (before, after) = (
                    clean.meanSquaredError(noisy), clean.meanSquaredError(restored)
                )
                #expect(after < before / 2, "mean squared error \(before) became \(after)")
            }
        }

        @Test func `a finished job leaves its three small files, all of them JSON`() throws {
            try withSession { session in
                try session.succeed(Reference.restoration(in: session, "--workers", "2"))
                let folder = session.path("out.png.dip")
                #expect(Files.tree(folder) == ["events.jsonl", "job.json", "report.json"])
                for name in ["job.json", "report.json"] {
                    let data = Data(Files.bytes("\(folder)/\(name)") ?? [])
                    #expect(throws: Never.self, "\(name)") {
                        try JSONSerialization.jsonObject(with: data)
                    }
                }
                let lines = Files.text("\(folder)/events.jsonl").split(separator: "\n")
                #expect(lines.count >= Reference.tileCount)
                for line in lines {
                    #expect(throws: Never.self, "\(line)") {
                        try JSONSerialization.jsonObject(with: Data(line.utf8))
                    }
                }
            }
        }

        @Test func `without a name the output lies beside the input`() throws {
            try withSession { session in
                try Picture(width: 64, height: 64).write(session.path("big.one.png"))
                let process = try session.succeed(
                    [session.path("big.one.png"), "--workers", "1", "--iterations", "1"]
                        + Self.quick)
                #expect(
                    session.names
                        == ["big.one.png", "big.one.restored.png", "big.one.restored.png.dip"])
                let said = process.output + process.errors
                #expect(said.contains("big.one.restored.png"), process.story)
            }
        }

        @Test func `the same command by its full name does the same, and may overwrite`() throws {
            try withSession { session in
                let arguments = try Reference.restoration(in: session, "--workers", "2")
                try Files.write([1, 2, 3], session.path("out.png"))
                let process = try session.start(
                    Programs.coordinator, ["restore"] + arguments + ["--overwrite"])
                try Reference.expectSameOutput(session, process)
            }
        }
    }
}
