import Glibc
import Testing

@testable import Imaging

/// A disk that is full from some row on.
@Suite struct FullDiskTests {
    private func codecs() -> [(any FormatCodec.Type, String)] {
        [(PNGFormat.self, "a.png"), (TIFFFormat.self, "a.tif"), (JPEGFormat.self, "a.jpg")]
    }

    @Test func `a disk that fills up at any row is told and nothing is left`() throws {
        let folder = try ScratchFolder()
        let full = open("/dev/full", O_RDWR)
        try #require(full >= 0)
        defer { close(full) }
        var header = ImageHeader(
            width: 300, height: 40, colorBands: 3, sampleType: .uint8, format: .png)
        header.metadata = JPEGMetadataTests.full
        header.metadata.iccProfile = nil
        let rows = Picture(header, seed: 1).samples.map { UInt8($0) }
        let rowBytes = 900
        for (codec, name) in codecs() {
            for fullAt in [0, 1, 20, 39, 40] {
                let file = try OutputFile(path: "\(folder.path)/\(name)", replacesExisting: false)
                let encoder = try codec.makeEncoder(file.descriptor, name: name, header: header)
                let sink = EncodedImageSink(header: header, file: file, encoder: encoder)
                let error = #expect(throws: ImageError.self) {
                    for row in 0...header.height {
                        if row == fullAt { try #require(dup2(full, file.descriptor) >= 0) }
                        guard row < header.height else { break }
                        try rows[row * rowBytes..<(row + 1) * rowBytes].withUnsafeBytes {
                            try sink.append(rowCount: 1, samples: $0)
                        }
                    }
                    try sink.finish()
                }
                #expect(error?.kind == .outOfSpace, "\(name), row \(fullAt): \(error as Any)")
                sink.abandon()
                #expect(folder.names == [])
            }
        }
    }
}
