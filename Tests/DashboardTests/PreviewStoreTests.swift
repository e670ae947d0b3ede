// Pictures of tiles at work.

import Testing

@testable import Dashboard

@Suite("Previews")
struct PreviewStoreTests {
    @Test func `the latest picture of a fit is kept, in 8 bits`() {
        var store = PreviewStore()
        store.put(fit: 3, iteration: 10, width: 2, height: 1, bands: 1, pixels: [0, 0])
        store.put(fit: 3, iteration: 20, width: 2, height: 1, bands: 1, pixels: [0.5, 2])
        #expect(
            store[3]
                == PreviewStore.Picture(
                    iteration: 20, width: 2, height: 1, samples: [128, 128, 128, 255, 255, 255]))
        #expect(store.count == 1 && store.byteCount == 6)
        store.remove(3)
        #expect(store[3] == nil && store.byteCount == 0)
    }

    @Test func `the oldest pictures go when there is no more room`() {
        var store = PreviewStore(byteCountMaximum: 3 * 12)
        for fit in 0..<3 {
            store.put(
                fit: fit, iteration: 1, width: 2, height: 2, bands: 1,
                pixels: [Float](repeating: 0, count: 4))
        }
        // The first one is replaced, so the second one is the oldest.
        store.put(
            fit: 0, iteration: 2, width: 2, height: 2, bands: 1,
            pixels: [Float](repeating: 0, count: 4))
        store.put(
            fit: 7, iteration: 1, width: 2, height: 2, bands: 1,
            pixels: [Float](repeating: 0, count: 4))
        #expect(store[1] == nil && store[0] != nil && store[2] != nil && store[7] != nil)
        #expect(store.byteCount <= store.byteCountMaximum)
    }

    @Test(arguments: 0..<20)
    func `whatever comes, the bytes are counted and bounded`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var store = PreviewStore(byteCountMaximum: 2000)
        for _ in 0..<300 {
            let (width, height) = (
                Int.random(in: 0...20, using: &generator), Int.random(in: 0...20, using: &generator)
            )
            let bands = Int.random(in: 0...5, using: &generator)
            let count = max(0, width * height * bands - (Bool.random(using: &generator) ? 0 : 1))
            let fit = Int.random(in: 0..<9, using: &generator)
            let isKept = store.put(
                fit: fit, iteration: 1, width: width, height: height, bands: bands,
                pixels: [Float](repeating: 0.5, count: count))
            #expect(!isKept || (store[fit]?.width == width && store[fit]?.height == height))
            let sum = (0..<9).reduce(0) { $0 + (store[$1]?.samples.count ?? 0) }
            #expect(store.byteCount == sum && sum <= 2000, "seed \(seed)")
        }
    }

    @Test func `a picture that is no picture is not kept`() {
        var store = PreviewStore(byteCountMaximum: 100)
        for (width, height, bands, count) in [
            (2, 2, 3, 11), (0, 2, 3, 0), (-1, -1, 1, 1), (10, 10, 1, 100), (1, 1, 0, 0),
        ] {
            let isKept = store.put(
                fit: 0, iteration: 1, width: width, height: height, bands: bands,
                pixels: [Float](repeating: 0, count: count))
            #expect(!isKept && store.count == 0, "\(width) \(height) \(bands) \(count)")
        }
    }

    @Test func `those that have no picture come first, then those longest unseen`() {
        var store = PreviewStore()
        for fit in [5, 2, 9] {
            store.put(fit: fit, iteration: 1, width: 1, height: 1, bands: 1, pixels: [0])
        }
        #expect(store.inOrderOfNeed([2, 4, 5, 9, 1]) == [1, 4, 5, 2, 9])
    }

    @Test func `ink darkens white, and a missing pixel is told from all others`() {
        let cyan: [Float] = [1, 0, 0, 0, 0, 0, 0, 1]
        #expect(
            PictureColor.samples(cyan, bands: 4, isInk: true) == [0, 255, 255, 0, 0, 0])
        // Of a preview, which has three bands of four.
        #expect(PictureColor.samples([1, 0, 0], bands: 3, isInk: true) == [0, 255, 255])
        let missing = PictureColor.missing
        #expect(
            PictureColor.samples([.nan, 0, 0, 1, 1, 1], bands: 3)
                == [missing.0, missing.1, missing.2, 255, 255, 255])
    }
}
