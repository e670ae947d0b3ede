import Imaging
import Testing

extension PictureTests {
    /// From a format into another, with what the file says beside its pixels.
    @Suite struct Formats {
        private static let fit = [
            "--preset", "thin", "--tile", "64", "--overlap", "16", "--workers", "1",
            "--iterations", "1",
        ]

        private static func header(alpha: AlphaKind? = nil) -> ImageHeader {
            var header = ImageHeader(
                width: 80, height: 70, colorBands: 3, alpha: alpha, sampleType: .uint8,
                format: .jpeg, resolution: Resolution(x: 300, y: 300, unit: .inch), orientation: 6)
            header.metadata.tags = [
                MetadataTag(number: 315, kind: .ascii, bytes: Array("Somebody\0".utf8))
            ]
            header.metadata.xmp = Array("<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"/>".utf8)
            header.metadata.texts = [MetadataText(keyword: "Comment", text: "Grüße")]
            return header
        }

        private func write(_ path: String, _ header: ImageHeader) throws {
            let sink = try ImageFormats.createSink(path, like: header)
            let count = header.decodedByteCount
            try (0..<count).map { UInt8(truncatingIfNeeded: $0 / 97) }.withUnsafeBytes {
                try sink.append(rowCount: header.height, samples: $0)
            }
            try sink.finish()
        }

        @Test func `where viewers turn an image, a region is said to be of its stored pixels`()
            throws
        {
            try withSession { session in
                let input = session.path("in.jpg")
                try write(input, Self.header())
                let process = try session.succeed(
                    [input, "-o", session.path("out.png"), "--region", "0,0,40,30", "--crop"]
                        + Self.fit)
                #expect(process.errors.contains("by its orientation tag (6)"), process.story)
            }
        }

        @Test func `a JPEG becomes a JPEG or a PNG that says the same`() throws {
            try withSession { session in
                let input = session.path("in.jpg")
                try write(input, Self.header())
                for name in ["out.jpg", "out.png"] {
                    let process = try session.run([input, "-o", session.path(name)] + Self.fit)
                    #expect(process.wait() == .exited(0), process.story)
                    #expect(!process.errors.contains("warning"), process.story)
                    let source = try ImageFormats.open(session.path(name))
                    #expect(source.header.metadata == Self.header().metadata, "\(name)")
                }
            }
        }

        @Test func `alpha is not lost in a JPEG but refused before any work`() throws {
            try withSession { session in
                let input = session.path("in.png")
                try write(input, Self.header(alpha: .unassociated))
                let process = try session.run([input, "-o", session.path("out.jpg")] + Self.fit)
                expectRefusal(process, 64, saying: ".png or .tif")
                #expect(session.names == ["in.png"])
            }
        }
    }
}
