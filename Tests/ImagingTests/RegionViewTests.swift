import Imaging
import Testing

@Suite struct RegionViewTests {
    @Test func `a view has the samples of its rectangle`() throws {
        let picture = Picture(
            ImageHeader(
                width: 20, height: 15, colorBands: 3, alpha: .unassociated, sampleType: .uint8,
                format: .png), seed: 4)
        let source = PictureSource(picture)
        let view = RegionView(source, PixelRegion(x: 5, y: 3, width: 9, height: 7))
        #expect(view.header.width == 9 && view.header.height == 7)
        let part = try view.rawSamples(PixelRegion(x: 2, y: 1, width: 7, height: 6))
        let same = try source.rawSamples(PixelRegion(x: 7, y: 4, width: 7, height: 6))
        #expect(part == same)
    }

    @Test func `a region is inside when it has pixels and all are the image's`() {
        func isInside(_ x: Int, _ y: Int, _ width: Int, _ height: Int) -> Bool {
            PixelRegion(x: x, y: y, width: width, height: height).isInside(width: 10, height: 8)
        }
        #expect(isInside(0, 0, 10, 8) && isInside(9, 7, 1, 1))
        #expect(!isInside(0, 0, 11, 8) && !isInside(-1, 0, 5, 5) && !isInside(0, 8, 1, 1))
        #expect(!isInside(3, 3, 0, 2) && !isInside(3, 3, 2, -1) && !isInside(1, 0, .max, 1))
    }

    private func doubles(_ number: UInt16, _ values: [Double]) -> MetadataTag {
        MetadataTag(
            number: number, kind: .double, bytes: values.withUnsafeBytes { Array($0) })
    }

    @Test func `what places an image on the ground moves with its first pixel`() {
        var header = ImageHeader(
            width: 100, height: 80, colorBands: 1, sampleType: .uint16, format: .tiff)
        // Ground = matrix times (column, row, depth, 1).
        let matrix: [Double] = [2, 1, 0, 500, 3, -4, 0, 900, 0, 0, 1, 7, 0, 0, 0, 1]
        header.metadata.tags = [
            doubles(33550, [2, 2, 0]), doubles(33922, [10, 20, 0, 500, 900, 0]),
            doubles(34264, matrix), doubles(50844, [0, 0, 40, 50, 1, 2, 3, 4, 5, 6]),
        ]
        let cropped = header.cropped(to: PixelRegion(x: 10, y: 5, width: 50, height: 40))
        #expect(cropped.width == 50 && cropped.height == 40)
        // The same points of the ground: (10, 20) has become (0, 15).
        var moved = matrix
        (moved[3], moved[7]) = (500 + 2 * 10 + 1 * 5, 900 + 3 * 10 - 4 * 5)
        #expect(
            cropped.metadata.tags == [
                doubles(33550, [2, 2, 0]), doubles(33922, [0, 15, 0, 500, 900, 0]),
                doubles(34264, moved), doubles(50844, [0, 0, 35, 40, 1, 2, 3, 4, 5, 6]),
            ])
    }

    @Test func `a part of a panorama's part says so`() {
        var header = ImageHeader(
            width: 100, height: 80, colorBands: 1, sampleType: .uint8, format: .tiff)
        func packet(_ width: Int, _ height: Int, left: Int, top: Int, full: Int) -> [UInt8] {
            let sizes =
                "GPano:CroppedAreaImageWidthPixels=\"\(width)\" "
                + "GPano:CroppedAreaImageHeightPixels=\"\(height)\""
            let places =
                "<GPano:CroppedAreaLeftPixels>\(left)</GPano:CroppedAreaLeftPixels>"
                + "<GPano:CroppedAreaTopPixels>\(top)</GPano:CroppedAreaTopPixels>"
                + "<GPano:FullPanoWidthPixels>\(full)</GPano:FullPanoWidthPixels>"
            return Array("<rdf:Description \(sizes)>\(places)</rdf:Description>".utf8)
        }
        header.metadata.xmp = packet(100, 80, left: 30, top: 40, full: 400)
        let part = header.cropped(to: PixelRegion(x: 10, y: 5, width: 50, height: 40))
        #expect(part.metadata.xmp == packet(50, 40, left: 40, top: 45, full: 400))
        let large = try? header.enlarged(by: 2)
        #expect(large?.metadata.xmp == packet(200, 160, left: 60, top: 80, full: 800))
    }
}
