import Foundation
import Testing

extension PictureTests {
    /// The memory of the coordinator's path of files, measured in a process that does nothing else.
    @Suite struct BlendMemory {
        private struct Summary: Decodable {
            let peakMemoryByteCount: Int
            let isOutputEqual: Bool
        }

        private func blend(
            _ session: Session, _ size: String, _ options: String...
        ) throws -> Summary {
            let process = try session.start(
                Programs.bench,
                [
                    "blend", "--size", size, "--rounds", "1", "--against", "none", "--together",
                    "16", "--folder", session.path("."), "--json",
                ] + options)
            try #require(process.wait(atMost: .seconds(300)) == .exited(0), process.story)
            return try JSONDecoder().decode(Summary.self, from: Data(process.output.utf8))
        }

        @Test func `an image of 8192 x 8192 takes no more memory than is stated`() throws {
            try withSession { session in
                let summary = try blend(session, "8192x8192")
                #expect(summary.isOutputEqual)
                // The program, 134 MB of cache, 67 MB of results that wait for the blend, 29 MB of
                // two rows of tiles, 38 MB of results on their way, and 67 MB of the heap.
                #expect(summary.peakMemoryByteCount < 420_000_000)
            }
        }

        @Test func `a high image takes less memory than its pixels or its tiles have`() throws {
            try withSession { session in
                let summary = try blend(session, "1024x98304", "--cache", "4")
                #expect(summary.isOutputEqual)
                // It has 302 MB, and its tiles have 870. As above, but for the cache and the width.
                #expect(summary.peakMemoryByteCount < 300_000_000)
            }
        }
    }
}
