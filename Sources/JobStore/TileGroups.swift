// Which file of several tiles holds a tile.

internal import Synchronization

/// The files of several tiles of a folder, by their numbers. Threads may share it.
final class TileGroups: Sendable {
    private struct Places {
        var numbers: [Int: Int]
        /// Tiles of each file.
        var counts: [Int: Int] = [:]
        var next: Int

        mutating func place(_ tile: Int, in number: Int?) -> Int? {
            let former = numbers[tile]
            numbers[tile] = number
            if let number { counts[number, default: 0] += 1 }
            guard let former, let count = counts[former] else { return nil }
            counts[former] = count > 1 ? count - 1 : nil
            return count > 1 ? nil : former
        }
    }

    private let places: Mutex<Places>

    /// - Parameters:
    ///   - numbers: The file of each tile that is in one of several.
    ///   - next: A number that no file has.
    init(_ numbers: [Int: Int], next: Int) {
        var places = Places(numbers: [:], next: next)
        for (tile, number) in numbers { _ = places.place(tile, in: number) }
        self.places = Mutex(places)
    }

    /// The number for another file.
    func makeNumber() -> Int {
        places.withLock { places in
            defer { places.next += 1 }
            return places.next
        }
    }

    /// The number of the file that holds a tile; nil when the tile has a file of its own, or none.
    func number(of tile: Int) -> Int? { places.withLock { $0.numbers[tile] } }

    /// Remembers where tiles are from here on; nil for a file of its own, or none.
    ///
    /// - Returns: Files of which no tile counts any more.
    @discardableResult
    func place(_ tiles: [Int], in number: Int?) -> [Int] {
        places.withLock { places in tiles.compactMap { places.place($0, in: number) } }
    }
}
