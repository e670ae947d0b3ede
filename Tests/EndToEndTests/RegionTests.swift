import Foundation
import Imaging
import Testing

extension PictureTests {
    /// Parts of an image, and what is missing in it.
    @Suite struct Regions {
        private static let fit = [
            "--preset", "thin", "--tile", "64", "--overlap", "16", "--workers", "1",
            "--iterations", "2", "--quiet",
        ]

        private func samples(_ path: String) throws -> (header: ImageHeader, bytes: [UInt8]) {
            let source = try ImageFormats.open(path)
            let header = source.header
            var bytes = [UInt8](repeating: 0, count: header.decodedByteCount)
            try bytes.withUnsafeMutableBytes {
                try source.readRaw(
                    PixelRegion(x: 0, y: 0, width: header.width, height: header.height), into: $0)
            }
            return (header, bytes)
        }

        @Test func `a region is restored, all else is copied, and cropped it is the same`() throws {
            try withSession { session in
                let input = try Picture(
                    width: 150, height: 120, hasAlpha: true, sampleType: .uint16
                ).write(session.path("in.tif"))
                let (whole, part) = (session.path("whole.tif"), session.path("part.tif"))
                let region = ["--region", "30,20,90,70"] + Self.fit
                try session.succeed([input, "-o", whole] + region)
                try session.succeed([input, "-o", part, "--crop"] + region)
                let (header, before) = try samples(input)
                let after = try samples(whole).bytes
                let cropped = try samples(part)
                #expect(cropped.header.width == 90 && cropped.header.height == 70)
                let pixel = header.pixelByteCount
                var changed = 0
                for y in 0..<120 {
                    for x in 0..<150 {
                        let place = (y * 150 + x) * pixel..<(y * 150 + x + 1) * pixel
                        if (30..<120).contains(x) && (20..<90).contains(y) {
                            let inPart = ((y - 20) * 90 + x - 30) * pixel
                            try #require(
                                after[place] == cropped.bytes[inPart..<inPart + pixel], "\(x),\(y)")
                            changed += after[place] == before[place] ? 0 : 1
                        } else {
                            try #require(after[place] == before[place], "\(x),\(y)")
                        }
                    }
                }
                #expect(changed > 6000)
            }
        }

        @Test func `nodata is filled where that is asked for, and the map tells of the seams`()
            throws
        {
            try withSession { session in
                var header = ImageHeader(
                    width: 100, height: 64, colorBands: 1, sampleType: .int16, format: .tiff,
                    tiffCompression: TIFFCompression.none)
                header.metadata.nodata = -32768
                let values = (0..<100 * 64).map { index -> Int16 in
                    let (x, y) = (index % 100, index / 100)
                    return (40..<50).contains(x) && y > 30 ? -32768 : Int16(500 + 5 * x)
                }
                let (input, output) = (session.path("in.tif"), session.path("out.tif"))
                let sink = try ImageFormats.createSink(input, like: header)
                try values.withUnsafeBytes { try sink.append(rowCount: 64, samples: $0) }
                try sink.finish()
                let map = session.path("map.tif")
                try session.succeed(
                    [input, "-o", output, "--nodata", "fill", "--disagreement", map] + Self.fit)
                let filled = try samples(output).bytes.withUnsafeBytes {
                    Array($0.bindMemory(to: Int16.self))
                }
                #expect(filled.allSatisfy { (400...1100).contains($0) })
                let seams = try samples(map)
                #expect(seams.header.width == 100 && seams.header.sampleType == .float32)
                let disagreement = seams.bytes.withUnsafeBytes {
                    Array($0.bindMemory(to: Float.self))
                }
                // Two columns of tiles that overlap in the middle.
                #expect(disagreement[0] == 0 && disagreement[99] == 0 && disagreement[50] > 0)
                let again = try session.run([input, "-o", output] + Self.fit)
                expectRefusal(again, 78, saying: "nodata is fill in the folder, but keep")
            }
        }

        @Test func `a region that is none is refused before any work`() throws {
            try withSession { session in
                let input = try Picture().write(session.path("in.png"))
                let output = session.path("out.png")
                for (options, words) in [
                    (["--region", "90,0,10,10"], "96 x 96"), (["--region", "1,2,3"], "--region"),
                    (["--region", "0,0,0,5"], "--region is 0,0,0,5"),
                    (["--crop"], "without --region"),
                    (["--nodata", "drop"], "keep"), (["--disagreement", "map.png"], "TIFF"),
                    (["--disagreement", input], "TIFF"),
                ] {
                    let process = try session.run([input, "-o", output] + options + Self.fit)
                    expectRefusal(process, 64, saying: words)
                }
                #expect(session.names == ["in.png"])
            }
        }
    }
}
