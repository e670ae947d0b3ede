import Foundation
import Imaging
import Testing

extension EndToEndTests {
    /// A TIFF of several pages, restored as one.
    @Suite struct Pages {
        private static let fit = [
            "--network", "thin", "--tile", "64", "--overlap", "16", "--workers", "1",
            "--iterations", "2", "--page", "all",
        ]

        /// Three pages of different kinds.
        private func write(_ session: Session) throws -> String {
            var paths: [String] = []
            for (index, bands) in [1, 3, 1].enumerated() {
                var header = ImageHeader(
                    width: 70 + 10 * index, height: 66, colorBands: bands,
                    sampleType: index == 2 ? .uint16 : .uint8, format: .tiff,
                    tiffCompression: .lzw)
                header.metadata.tags = [
                    MetadataTag(number: 65000, kind: .byte, bytes: [UInt8(index)])
                ]
                let path = session.path("\(index).tif")
                let sink = try ImageFormats.createSink(path, like: header)
                let samples = (0..<header.decodedByteCount).map { UInt8(truncatingIfNeeded: $0) }
                try samples.withUnsafeBytes { try sink.append(rowCount: 66, samples: $0) }
                try sink.finish()
                paths.append(path)
            }
            let input = session.path("in.tif")
            try ImageFormats.joinPages(paths, into: input, overwrite: false)
            return input
        }

        private func expectPages(_ output: String) throws {
            #expect(try ImageFormats.pages(output) == [0, 1, 2])
            for (index, bands) in [1, 3, 1].enumerated() {
                var options = ReadingOptions()
                options.page = index
                let header = try ImageFormats.open(output, options).header
                #expect(header.width == 70 + 10 * index && header.colorBands == bands)
                #expect(header.metadata.tags.map(\.bytes) == [[UInt8(index)]])
                #expect(header.tiffCompression == .lzw)
            }
        }

        @Test func `all pages are restored and joined and the same command finds them done`()
            throws
        {
            try withSession { session in
                let (input, output) = (try write(session), session.path("out.tif"))
                try session.succeed([input, "-o", output] + Self.fit)
                try expectPages(output)
                let bytes = try Data(contentsOf: URL(fileURLWithPath: output))
                let again = try session.succeed([input, "-o", output] + Self.fit)
                #expect(again.errors.contains("is complete"), again.story)
                #expect(try Data(contentsOf: URL(fileURLWithPath: output)) == bytes)
                // What decides about pixels is compared for each page.
                let other = try session.run([input, "-o", output, "--seed", "7"] + Self.fit)
                expectRefusal(other, 78, saying: "page-1.tif.dip")
                try session.succeed(
                    [input, "-o", output, "--seed", "7", "--fresh", "--overwrite"] + Self.fit)
                try expectPages(output)
                #expect(try Data(contentsOf: URL(fileURLWithPath: output)) != bytes)
                #expect(
                    Files.names(output + ".dip")
                        == (1...3).map { "page-\($0).tif.dip" } + ["pages.json"])
            }
        }

        @Test func `pages that are done are kept when the run goes on`() throws {
            try withSession { session in
                let (input, output) = (try write(session), session.path("out.tif"))
                // Another program's file in the output's place is never replaced.
                try Data([1]).write(to: URL(fileURLWithPath: output))
                let stopped = try session.run([input, "-o", output] + Self.fit)
                expectRefusal(stopped, 73, saying: "exists")
                try FileManager.default.removeItem(atPath: output)
                // The first page as a job of its own, at the place where its page would lie.
                try FileManager.default.createDirectory(
                    atPath: output + ".dip", withIntermediateDirectories: false)
                let first = [
                    input, "-o", output + ".dip/page-1.tif", "--network", "thin", "--tile", "64",
                    "--overlap", "16", "--workers", "1", "--iterations", "2",
                ]
                try session.succeed(first)
                let run = try session.succeed([input, "-o", output] + Self.fit)
                #expect(run.errors.contains("page-1.tif is complete"), run.story)
                try expectPages(output)
            }
        }

        @Test func `pages go to a TIFF of this host's workers`() throws {
            try withSession { session in
                let input = try write(session)
                let png = try session.run([input, "-o", session.path("out.png")] + Self.fit)
                expectRefusal(png, 64, saying: ".tif")
                let remote = try session.run(
                    [input, "-o", session.path("out.tif"), "--listen", "ipc:///tmp/x"] + Self.fit)
                expectRefusal(remote, 64, saying: "--listen")
                let plan = try session.run(["plan", input, "--page", "all"])
                expectRefusal(plan, 64, saying: "--page")
                #expect(session.names == ["0.tif", "1.tif", "2.tif", "in.tif"])
            }
        }
    }
}
