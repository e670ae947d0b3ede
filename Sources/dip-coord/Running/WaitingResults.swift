// Results that are stored together.

import Wire

/// A few results of different tiles and one shape, within a bound of memory.
struct WaitingResults {
    private static let countMaximum = 32
    private static let byteCountMaximum = 32 << 20

    private var results: [(work: TileAttempt, payload: PixelPayload)] = []

    func hasRoom(for work: TileAttempt, _ payload: PixelPayload) -> Bool {
        results.isEmpty
            || results.count < Self.countMaximum
                && (results.count + 1) * payload.bytes.count <= Self.byteCountMaximum
                && results.allSatisfy {
                    $0.work.tile != work.tile && $0.payload.shape == payload.shape
                }
    }

    mutating func add(_ work: TileAttempt, _ payload: PixelPayload) {
        results.append((work, payload))
    }

    mutating func takeAll() -> [(work: TileAttempt, payload: PixelPayload)] {
        let all = results
        results = []
        return all
    }
}
