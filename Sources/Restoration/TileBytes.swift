// What tiles take in the job's folder.

public import Imaging
public import JobStore

extension SampleType {
    /// How restored tiles are kept: half precision is finer than 8 bits, and not finer than 16.
    public var tilePrecision: TilePrecision { byteCount == 1 ? .float16 : .float32 }
}

extension TilePlan {
    /// Bytes of all tiles in the job's folder.
    public func folderByteCount(bands: Int, sampleType: SampleType) -> Int {
        tileCount * tileByteCount(bands: bands, sampleType: sampleType)
    }

    /// Bytes of a tile in the job's folder.
    public func tileByteCount(bands: Int, sampleType: SampleType) -> Int {
        JobManifest.slotByteCount(
            height: windowHeight, width: windowWidth, bands: bands,
            precision: sampleType.tilePrecision)
    }
}
