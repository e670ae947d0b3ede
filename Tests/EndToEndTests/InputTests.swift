import Foundation
import Imaging
import Testing

extension PictureTests {
    /// What the network is given follows from the task, the options and the image's noise.
    @Suite struct Inputs {
        /// Noise of 25 levels on gray, which bands or neighbours share as far as is said.
        private func image(
            _ session: Session, bandsShareIt: Bool = false, neighboursShareIt: Bool = false
        ) throws -> String {
            var generator = SeededGenerator(seed: 5)
            let (width, height) = (160, 128)
            var white: [Float] = []
            for _ in 0..<width * height {
                let common = generator.normal()
                for _ in 0..<3 { white.append(bandsShareIt ? common : generator.normal()) }
            }
            let color = white.indices.map { place -> Float in
                let beside = [3, 3 * width, 3 * width + 3].map { white[max(place - $0, 0)] }
                let noise =
                    neighboursShareIt ? (white[place] + beside.reduce(0, +)) / 2 : white[place]
                return min(max(0.5 + 0.1 * noise, 0), 1)
            }
            let header = ImageHeader(
                width: width, height: height, colorBands: 3, alpha: nil, sampleType: .uint8,
                format: .png)
            return try Picture(header: header, color: color, alpha: nil).write(
                session.path("in.png"))
        }

        private func job(
            _ session: Session, _ image: String, _ more: String...
        ) throws -> [String: Any] {
            _ = try session.succeed(
                [
                    image, "-o", session.path("out.png"), "--workers", "1", "--preset", "fast",
                    "--iterations", "2", "--start", "random", "--fresh", "--overwrite",
                ] + more)
            return try session.describedJob().configuration
        }

        /// Every band has the contrast of its own number.
        @Test func `many bands are restored together, and too many are refused`() throws {
            try withSession { session in
                func write(_ name: String, bands: Int) throws -> String {
                    var generator = SeededGenerator(seed: 7)
                    let header = ImageHeader(
                        width: 48, height: 40, colorBands: bands, alpha: nil, sampleType: .uint8,
                        format: .tiff, tiffCompression: .deflate)
                    let color = (0..<48 * 40 * bands).map { place -> Float in
                        let (pixel, band) = (place / bands, Float(place % bands))
                        let wave: Float = pixel % 48 < 24 ? 0.2 : 0.4
                        return 0.2 + wave * (1 + band / Float(bands)) + 0.05 * generator.normal()
                    }
                    return try Picture(header: header, color: color, alpha: nil).write(
                        session.path(name))
                }
                let image = try write("in.tif", bands: 40)
                _ = try session.succeed(
                    [image, "-o", session.path("out.tif"), "--preset", "fast"]
                        + ["--iterations", "30", "--start", "random", "--workers", "1"])
                let output = try ImageFormats.open(session.path("out.tif"))
                #expect(output.header.colorBands == 40)
                let region = PixelRegion(x: 0, y: 0, width: 48, height: 40)
                func means(_ path: String) throws -> [Float] {
                    var color = [Float](repeating: 0, count: 48 * 40 * 40)
                    let source = try ImageFormats.open(path)
                    try color.withUnsafeMutableBufferPointer {
                        try source.readColor(region, into: $0)
                    }
                    return (0..<40).map { band in
                        stride(from: band, to: color.count, by: 40)
                            .reduce(0) { $0 + color[$1] } / (48 * 40)
                    }
                }
                for (band, pair) in try zip(means(image), means(session.path("out.tif")))
                    .enumerated()
                {
                    #expect(abs(pair.0 - pair.1) < 0.15, "band \(band): \(pair)")
                }
                let process = try session.run(
                    [try write("many.tif", bands: 257), "-o", session.path("no.tif")])
                expectRefusal(process, 65, saying: "257 bands; at most 256")
            }
        }

        @Test func `noise of samples hides samples, noise of pixels hides pixels`() throws {
            for isShared in [false, true] {
                try withSession { session in
                    let configuration = try job(
                        session, try image(session, bandsShareIt: isShared))
                    #expect(configuration["maskedRadius"] as? Int == 0)
                    #expect(configuration["input"] as? String == "masked")
                    #expect(configuration["inputChannels"] as? Int == 8)
                    #expect(configuration["masksPixels"] as? Bool == isShared)
                }
            }
        }

        @Test func `where neighbours share noise, they are hidden together`() throws {
            try withSession { session in
                let image = try image(session, neighboursShareIt: true)
                let configuration = try job(session, image)
                #expect(configuration["input"] as? String == "masked")
                #expect(configuration["maskedRadius"] as? Int == 1)
            }
        }

        @Test func `enlarging and a noise level take the coarse image`() throws {
            try withSession { session in
                let image = try image(session)
                let level = try job(session, image, "--sigma", "25", "--stop", "per-tile")
                #expect(level["input"] as? String == "coarse")
                let large = try job(session, image, "--task", "upscale", "--factor", "2")
                #expect(large["input"] as? String == "coarse")
                try Files.write(
                    Array(#"{"base": "fast", "input": "masked", "inputChannels": 5}"#.utf8),
                    session.path("own.json"))
                for options in [["--input", "masked"], ["--preset", session.path("own.json")]] {
                    expectRefusal(
                        try session.run([image, "--sigma", "25"] + options), 64,
                        saying: "never comes down to the noise")
                }
                // A file says what it means.
                let own = try job(session, image, "--preset", session.path("own.json"))
                #expect(own["input"] as? String == "masked")
                #expect(own["inputChannels"] as? Int == 5)
            }
        }
    }
}
