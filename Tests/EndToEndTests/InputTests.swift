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
        ) throws -> (configuration: [String: Any], errors: String) {
            let process = try session.succeed(
                [
                    image, "-o", session.path("out.png"), "--workers", "1", "--preset", "fast",
                    "--iterations", "2", "--start", "random", "--fresh", "--overwrite",
                ] + more)
            return (try session.describedJob().configuration, process.errors)
        }

        @Test func `noise of samples hides samples, noise of pixels hides pixels`() throws {
            for isShared in [false, true] {
                try withSession { session in
                    let (configuration, errors) = try job(
                        session, try image(session, bandsShareIt: isShared))
                    #expect(configuration["input"] as? String == "masked")
                    #expect(configuration["inputChannels"] as? Int == 8)
                    #expect(configuration["masksPixels"] as? Bool == isShared)
                    #expect(!errors.contains("share noise"), "\(errors)")
                }
            }
        }

        @Test func `where neighbours share noise, the image is coarse, which is told`() throws {
            try withSession { session in
                let image = try image(session, neighboursShareIt: true)
                let found = try job(session, image)
                #expect(found.configuration["input"] as? String == "coarse")
                #expect(found.configuration["inputChannels"] as? Int == 32)
                #expect(found.errors.contains("neighbouring pixels share noise"), "\(found.errors)")
                let asked = try job(session, image, "--input", "masked")
                #expect(asked.configuration["input"] as? String == "masked")
                #expect(!asked.errors.contains("share noise"), "\(asked.errors)")
            }
        }

        @Test func `enlarging and a noise level take the coarse image`() throws {
            try withSession { session in
                let image = try image(session)
                let level = try job(session, image, "--sigma", "25", "--stop", "per-tile")
                #expect(level.configuration["input"] as? String == "coarse")
                let large = try job(session, image, "--task", "upscale", "--factor", "2")
                #expect(large.configuration["input"] as? String == "coarse")
                try Files.write(
                    Array(#"{"base": "fast", "inputChannels": 5}"#.utf8), session.path("own.json"))
                for options in [["--input", "masked"], ["--preset", session.path("own.json")]] {
                    expectRefusal(
                        try session.run([image, "--sigma", "25"] + options), 64,
                        saying: "never comes down to the noise")
                }
                // A file says what it means.
                let own = try job(session, image, "--preset", session.path("own.json"))
                #expect(own.configuration["input"] as? String == "masked")
                #expect(own.configuration["inputChannels"] as? Int == 5)
            }
        }
    }
}
