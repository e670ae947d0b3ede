import Foundation
import Imaging
import Testing

extension PictureTests {
    /// Images on which arithmetic could go wrong: nothing to explain, or hardly anything.
    @Suite struct PlainImages {
        private func restore(_ session: Session, _ more: [String] = []) throws -> Picture {
            let process = try session.succeed(
                [
                    session.path("in.tif"), "-o", session.path("out.tif"), "--preset", "thin",
                    "--tile", "64", "--overlap", "16", "--workers", "1", "--iterations", "40",
                    "--overwrite", "--fresh", "--quiet",
                ] + more)
            #expect(process.errors.isEmpty && process.output.isEmpty, process.story)
            return try Picture(session.path("out.tif"))
        }

        @Test func `one colour, black, white and eight pixels a side are restored without a word`()
            throws
        {
            try withSession { session in
                for value: Float in [100, 0, 255] {
                    try writeTIFF(session.path("in.tif"), .uint8, side: (64, 64)) { _, _ in value }
                    let output = try restore(session)
                    // The average is still near its beginning, gray; NaN would be off by 1.
                    let sum = output.color.reduce(0) { $0 + abs($1 - value / 255) }
                    let mean = sum / Float(output.color.count)
                    #expect(mean < 0.6, "\(value): off by \(mean)")
                }
                try writeTIFF(session.path("in.tif"), .uint8, side: (8, 8)) { x, y in
                    Float(x * 16 + y * 8)
                }
                let output = try restore(session)
                #expect(output.header.width == 8 && output.header.height == 8)
                // One value in all is a range of no width.
                try writeTIFF(session.path("in.tif"), .float32, side: (64, 64)) { _, _ in 7 }
                #expect(try restore(session).color.allSatisfy(\.isFinite))
            }
        }

        @Test func `a tile that is wholly missing stays so, and its neighbour is restored`() throws
        {
            try withSession { session in
                try writeTIFF(session.path("in.tif"), .float32, side: (112, 64)) { x, y in
                    x < 64 ? .nan : Float(x + y)
                }
                for (index, value) in try restore(session, ["--restarts", "2"]).color.enumerated() {
                    #expect(value.isNaN == (index % 112 < 64), "\(index % 112)")
                }
            }
        }
    }
}
