// Sound files of every kind that is read, to be spoiled.

import Foundation
import Imaging

enum FuzzCorpus {
    /// Files by the format's name, and those of the folder `DIP_FUZZ_CORPUS` beside them.
    static func files(_ format: String) throws -> [[UInt8]] {
        var files: [[UInt8]]
        switch format {
        case "PNG": files = try pngs()
        case "JPEG": files = try jpegs()
        default: files = try tiffs()
        }
        if let folder = ProcessInfo.processInfo.environment["DIP_FUZZ_CORPUS"] {
            let endings = ["PNG": [".png"], "JPEG": [".jpg"], "TIFF": [".tif"]][format] ?? []
            for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
            where endings.contains(where: name.hasSuffix) {
                files.append(
                    Array(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))))
            }
        }
        return files
    }

    private static func written(_ name: String, _ header: ImageHeader) throws -> [UInt8] {
        let folder = try ScratchFolder()
        try Picture(header, seed: 3).write("\(folder.path)/\(name)")
        return try folder.bytes(name)
    }

    private static func header(
        bands: Int = 3, model: ColorModel? = nil, alpha: AlphaKind? = nil,
        type: SampleType = .uint8, width: Int = 21, height: Int = 18
    ) -> ImageHeader {
        ImageHeader(
            width: width, height: height, colorBands: bands, colorModel: model, alpha: alpha,
            sampleType: type, format: .tiff)
    }

    /// Some of everything, in a few hundred bytes.
    private static var metadata: Metadata {
        var metadata = JPEGMetadataTests.full
        metadata.iccProfile = (0..<200).map { UInt8($0) }
        return metadata
    }

    /// One kind of metadata each, near the beginning or the end of a small file.
    private static func single(_ name: String) throws -> [[UInt8]] {
        var kinds = [Metadata(), Metadata(), Metadata(), Metadata()]
        let all = metadata
        kinds[0].exifTags = all.exifTags
        kinds[0].gpsTags = all.gpsTags
        kinds[0].tags = all.tags
        kinds[1].iptc = all.iptc
        kinds[1].photoshop = all.photoshop
        kinds[2].xmp = all.xmp
        kinds[2].texts = all.texts
        kinds[3].iccProfile = all.iccProfile
        return try kinds.map { kind in
            var header = header(bands: 1, width: 4, height: 3)
            header.metadata = kind
            return try written(name, header)
        }
    }

    private static func pngs() throws -> [[UInt8]] {
        var rich = header(alpha: .unassociated, type: .uint16)
        rich.metadata = metadata
        rich.metadata.texts += [
            MetadataText(keyword: "Long", text: String(repeating: "ab ", count: 500)),
            MetadataText(keyword: "Wide", text: String(repeating: "日", count: 500)),
        ]
        rich.metadata.pngColorChunks = [PNGChunk(type: "gAMA", bytes: [0, 0, 0xB1, 0x8F])]
        return try single("a.png") + [
            ForeignFiles.palettePNG, try written("a.png", header(bands: 1)),
            try written("a.png", rich),
            HandmadePNG.image(
                before: HandmadePNG.chunk(
                    "iCCP", Array("a\0\0".utf8) + HandmadePNG.stored([1, 2, 3])),
                after: HandmadePNG.chunk("tIME", [7, 0xEA, 3, 1, 12, 5, 59])),
        ]
    }

    private static func jpegs() throws -> [[UInt8]] {
        var rich = header()
        rich.metadata = metadata
        var long = header(bands: 1)
        long.metadata.xmp = [UInt8](repeating: 65, count: 70_000)
        return try single("a.jpg") + ForeignJPEGs.all.map(\.bytes)
            + [try written("a.jpg", rich), try written("a.jpg", long)]
    }

    private static func tiffs() throws -> [[UInt8]] {
        var files = try single("a.tif")
        files += [ForeignFiles.tiledTIFF, ForeignFiles.planarTIFF, ForeignFiles.whiteTIFF]
        for compression in [TIFFCompression.none, .lzw, .deflate, .packBits, .zstd] {
            for layout in [TIFFLayout.strips, .tiles(width: 16, height: 16)] {
                var plain = header(type: compression == .lzw ? .uint16 : .uint8)
                plain.tiffCompression = compression
                plain.tiffLayout = layout
                if layout != .strips { plain.metadata = metadata }
                files.append(try written("a.tif", plain))
            }
        }
        var kinds = [
            header(bands: 4, model: .cmyk), header(bands: 6, alpha: .unspecified),
            header(bands: 1, alpha: .associated, type: .uint16),
        ]
        kinds.append(header(bands: 1, width: 150, height: 140))
        kinds[3].hasOverviews = true
        kinds[3].metadata.nodata = 7
        for kind in kinds { files.append(try written("a.tif", kind)) }
        return files
    }
}
