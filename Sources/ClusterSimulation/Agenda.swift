/// Happenings by time; those of one time in the order in which they were added.
struct Agenda<Happening> {
    private var heap: [(time: Duration, number: Int, happening: Happening)] = []
    private var addedCount = 0

    /// Happenings to come.
    var count: Int { heap.count }

    mutating func add(_ happening: Happening, at time: Duration) {
        heap.append((time, addedCount, happening))
        addedCount += 1
        var child = heap.count - 1
        while child > 0, isBefore(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// Takes out the earliest one.
    mutating func next() -> (time: Duration, happening: Happening)? {
        guard let first = heap.first else { return nil }
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && isBefore(child, least) {
                least = child
            }
            if least == parent { break }
            heap.swapAt(parent, least)
            parent = least
        }
        return (first.time, first.happening)
    }

    private func isBefore(_ left: Int, _ right: Int) -> Bool {
        (heap[left].time, heap[left].number) < (heap[right].time, heap[right].number)
    }
}
