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

        @Test func `an image of 8192 x 8192 takes little more memory than the cache`() throws {
            try withSession { session in
                let summary = try blend(session, "8192x8192")
                #expect(summary.isOutputEqual)
                // 134 MB of cache, 19 bytes for each of 32 x 8192 pixels, and the program.
                #expect(summary.peakMemoryByteCount < 220_000_000)
            }
        }

        @Test func `memory does not grow with the height of the image`() throws {
            try withSession { session in
                let low = try blend(session, "1024x4096", "--cache", "4")
                let high = try blend(session, "1024x16384", "--cache", "4")
                #expect(low.isOutputEqual && high.isOutputEqual)
                // Heaps differ by 12 MB from run to run; pixels grow by 38 MB, tiles by 98.
                #expect(
                    high.peakMemoryByteCount < low.peakMemoryByteCount + 16_000_000,
                    "\(low.peakMemoryByteCount), then \(high.peakMemoryByteCount)")
            }
        }
    }
}
