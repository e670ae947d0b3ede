import Foundation
import Imaging
import Testing

extension PictureTests {
    /// Floating point with holes: what is missing stays, and the range belongs to the job.
    @Suite struct Values {
        private static let header: ImageHeader = {
            var header = ImageHeader(
                width: 80, height: 70, colorBands: 2, sampleType: .float32, format: .tiff,
                tiffCompression: TIFFCompression.none)
            header.metadata.nodata = -9999
            return header
        }()

        /// A slope from 500 to 900 with a column of nodata and a row of NaN.
        private func samples() -> [Float] {
            (0..<80 * 70 * 2).map { index in
                let (x, y) = (index / 2 % 80, index / 160)
                return x == 40 ? -9999 : y == 33 ? .nan : Float(500 + 5 * x)
            }
        }

        private func write(_ path: String) throws {
            let sink = try ImageFormats.createSink(path, like: Self.header)
            try samples().withUnsafeBytes {
                try sink.append(rowCount: Self.header.height, samples: $0)
            }
            try sink.finish()
        }

        private static let fit = [
            "--preset", "thin", "--tile", "64", "--overlap", "16", "--workers", "1",
            "--iterations", "2", "--quiet",
        ]

        @Test func `missing samples come back bit for bit and do not spread`() throws {
            try withSession { session in
                let (input, output) = (session.path("in.tif"), session.path("out.tif"))
                try write(input)
                try session.succeed([input, "-o", output] + Self.fit)
                let source = try ImageFormats.open(output)
                #expect(source.header == Self.header)
                var after = [Float](repeating: 0, count: 80 * 70 * 2)
                try after.withUnsafeMutableBytes {
                    try source.readRaw(PixelRegion(x: 0, y: 0, width: 80, height: 70), into: $0)
                }
                for (before, after) in zip(samples(), after) {
                    if before.isFinite && before != -9999 {
                        #expect(after > 400 && after < 1000)
                    } else {
                        #expect(before.bitPattern == after.bitPattern)
                    }
                }
            }
        }

        @Test func `another range is another job`() throws {
            try withSession { session in
                let (input, output) = (session.path("in.tif"), session.path("out.tif"))
                try write(input)
                try session.succeed([input, "-o", output, "--range", "400,1000"] + Self.fit)
                let again = try session.run([input, "-o", output, "--range", "0,1000"] + Self.fit)
                expectRefusal(again, 78, saying: "range is 400.0,1000.0 in the folder")
                let nonsense = try session.run([input, "-o", output, "--range", "7,3"] + Self.fit)
                expectRefusal(nonsense, 64, saying: "--range")
            }
        }

        @Test func `an output that cannot hold the samples is refused before any work`() throws {
            try withSession { session in
                let input = session.path("in.tif")
                try write(input)
                let process = try session.run([input, "-o", session.path("out.png")] + Self.fit)
                expectRefusal(process, 64, saying: "float32")
                #expect(session.names == ["in.tif"])
            }
        }
    }
}
