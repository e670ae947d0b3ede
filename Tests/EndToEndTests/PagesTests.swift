import Dashboard
import Foundation
import Glibc
import Imaging
import Testing

extension PictureTests {
    /// All pages of a TIFF.
    @Suite struct Pages {
        private static let fit = [
            "--preset", "thin", "--tile", "64", "--overlap", "16", "--iterations", "2",
        ]

        /// Three pages of other sizes and kinds.
        private func writeInput(_ session: Session) throws -> String {
            let pages = [
                Picture(width: 70, height: 50, seed: 1),
                Picture(width: 40, height: 90, bands: 1, sampleType: .uint16, seed: 2),
                Picture(width: 64, height: 64, hasAlpha: true, seed: 3),
            ]
            var paths: [String] = []
            for (index, page) in pages.enumerated() {
                paths.append(try page.write(session.path("\(index).tif")))
            }
            let input = session.path("in.tif")
            try JoinedTIFF(input, pages: paths, overwrite: false).finish()
            for path in paths { unlink(path) }
            return input
        }

        private func samples(_ path: String, page: Int) throws -> [UInt8] {
            var options = ReadingOptions()
            options.page = page
            let source = try ImageFormats.open(path, options)
            let header = source.header
            var bytes = [UInt8](repeating: 0, count: header.decodedByteCount)
            try bytes.withUnsafeMutableBytes {
                try source.readRaw(
                    PixelRegion(x: 0, y: 0, width: header.width, height: header.height), into: $0)
            }
            return bytes
        }

        /// Each page is what a run for that page alone makes of it.
        private func expectPages(_ output: String, of input: String, _ session: Session) throws {
            #expect(try ImageFormats.pages(output) == [0, 1, 2])
            for page in 0..<3 {
                let single = session.path("single-\(page).tif")
                try session.succeed(
                    [input, "-o", single, "--page", "\(page + 1)", "--workers", "1", "--quiet"]
                        + Self.fit)
                let (one, all) = (try samples(single, page: 0), try samples(output, page: page))
                #expect(one == all, "page \(page + 1)")
                let before = try samples(input, page: page)
                #expect(one != before, "page \(page + 1)")
            }
        }

        @Test func `another page of the same kind is another job`() throws {
            try withSession { session in
                let page = try Picture(width: 64, height: 64, seed: 1)
                    .write(session.path("page.tif"))
                let input = session.path("in.tif")
                try JoinedTIFF(input, pages: [page, page], overwrite: false).finish()
                let arguments = [
                    input, "-o", session.path("out.tif"), "--workers", "1", "--quiet",
                ]
                try session.succeed(arguments + ["--page", "1"] + Self.fit)
                expectRefusal(
                    try session.run(arguments + ["--page", "2"] + Self.fit), 78,
                    saying: "page is 1 in the folder, but 2 is asked for")
            }
        }

        @Test func `all pages are restored, and the same command says so`() throws {
            try withSession { session in
                let input = try writeInput(session)
                let output = session.path("out.tif")
                let arguments =
                    [input, "-o", output, "--page", "all", "--workers", "2"] + Self.fit
                let process = try session.run(arguments)
                #expect(process.wait() == .exited(0), process.story)
                #expect(process.errors.contains("page 3 of 3"), process.story)
                try expectPages(output, of: input, session)
                #expect(Files.names(output + ".dip").filter { $0.hasSuffix(".tif") }.isEmpty)
                let status = try session.run(["status", output + ".dip"])
                #expect(status.wait() == .exited(0), status.story)
                #expect(status.output.split(separator: "page-0000").count == 4, status.story)
                let again = try session.run(arguments)
                #expect(again.wait() == .exited(0), again.story)
                #expect(again.errors.contains("3 pages made by an earlier run"), again.story)
                let other = try session.run(arguments + ["--seed", "5"])
                expectRefusal(other, 78, saying: "seed is 0 in the folder, but 5")
            }
        }

        @Test func `the report of a page has the times of that page`() throws {
            try withSession { session in
                let (page, input) = (session.path("page.tif"), session.path("in.tif"))
                try Picture(width: 64, height: 64, bands: 1).write(page)
                try JoinedTIFF(input, pages: [page, page], overwrite: false).finish()
                let begin = ContinuousClock.now
                try session.succeed(
                    [
                        input, "-o", session.path("out.tif"), "--page", "all", "--workers", "1",
                        "--quiet", "--report", session.path("report"),
                    ] + Self.fit + ["--iterations", "20"])
                let whole = (ContinuousClock.now - begin) / .seconds(1)
                let times = try (1...2).map { number in
                    let bytes = try #require(
                        Files.bytes(session.path("report/page-0000\(number)/report.json")))
                    return try JSONDecoder().decode(Report.self, from: Data(bytes))
                }
                #expect(times.compactMap(\.times.wallSeconds).reduce(0, +) <= whole)
                for report in times {
                    let summary = try #require(report.summary)
                    #expect(try #require(summary.tilesSeconds) <= summary.seconds)
                    #expect(report.times.localWorkerCPUSeconds ?? 0 > 0)
                }
            }
        }

        @Test func `a worker of another host stays from page to page, also over a restart`() throws
        {
            try withSession { session in
                let input = try writeInput(session)
                let output = session.path("out.tif")
                let endpoint = "tcp://127.0.0.1:\(try Ports.free())"
                let arguments =
                    [
                        input, "-o", output, "--page", "all", "--workers", "0", "--listen",
                        endpoint, "--lease-silence", "1",
                    ] + Self.fit
                let first = try session.start(Programs.coordinator, arguments)
                let worker = try session.worker(endpoint)
                try session.eventually("the second page", of: first) {
                    first.errors.contains("page 2 of 3")
                }
                first.kill()
                let process = try session.start(Programs.coordinator, arguments)
                #expect(process.wait(atMost: .seconds(40)) == .exited(0), process.story)
                #expect(worker.wait(atMost: .seconds(10)) == .exited(0), worker.story)
                #expect(process.errors.contains("restored by an earlier run"), process.story)
                try expectPages(output, of: input, session)
            }
        }

        @Test func `workers of others are dismissed although the last page was complete`() throws {
            try withSession { session in
                let input = try writeInput(session)
                let output = session.path("out.tif")
                let endpoint = "tcp://127.0.0.1:\(try Ports.free())"
                let common =
                    [input, "-o", output, "--page", "all", "--keep-job", "--lease-silence", "1"]
                    + Self.fit
                let first = try session.run(common + ["--workers", "1"])
                #expect(first.wait() == .exited(0), first.story)
                let page = output + ".dip/page-00001.tif"
                let tiles = page + ".dip/tiles.bin"
                for path in [output, output + ".dip/pages.json", page, tiles] {
                    #expect(unlink(path) == 0, "\(path)")
                }
                let process = try session.start(
                    Programs.coordinator, common + ["--workers", "0", "--listen", endpoint])
                let worker = try session.worker(endpoint)
                #expect(process.wait(atMost: .seconds(40)) == .exited(0), process.story)
                #expect(worker.wait(atMost: .seconds(10)) == .exited(0), worker.story)
            }
        }

        @Test func `what cannot be done with all pages is refused`() throws {
            try withSession { session in
                let input = try writeInput(session)
                for (options, words) in [
                    (["-o", session.path("out.png")], "does not end in .tif"),
                    (["-o", session.path("out.tif"), "--disagreement", "map.tif"], "one page"),
                ] {
                    let process = try session.run(
                        [input, "--page", "all"] + options + Self.fit)
                    expectRefusal(process, 64, saying: words)
                }
                let absent = try session.run([input, "--page", "9"] + Self.fit)
                expectRefusal(absent, 65, saying: "it has 3")
                #expect(session.names == ["in.tif"])
            }
        }
    }
}
