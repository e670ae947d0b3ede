// A few windows that stand for all.

extension TilePlan {
    /// A part of the windows, in columns and rows spread over the image: with as many as `maximum`
    /// of them, few for a plan of few windows. Chosen from the plan alone.
    ///
    /// - Parameter maximum: at least 1.
    public func spread(atMost maximum: Int) -> TilePlan {
        precondition(maximum >= 1, "at least one window")
        var best = (columns: 1, rows: 1)
        for columns in 1...min(self.columns.count, maximum) {
            let rows = min(self.rows.count, maximum / columns)
            let (count, former) = (columns * rows, best.columns * best.rows)
            // Of equally many, those that are most alike in number both ways.
            if (count, -abs(columns - rows)) > (former, -abs(best.columns - best.rows)) {
                best = (columns, rows)
            }
        }
        return TilePlan(
            self, columns: Self.pick(best.columns, of: self.columns),
            rows: Self.pick(best.rows, of: self.rows))
    }

    /// One window in the middle, which another plan of windows of this one does not have, if that
    /// can be.
    ///
    /// - Parameter isSuitable: of windows from the middle on the first that is; the middle one
    ///   where none is.
    public func middle(
        otherThan pilots: TilePlan, where isSuitable: (TilePlan) throws -> Bool = { _ in true }
    ) rethrows -> TilePlan {
        let order = { (starts: [Int]) in
            starts.sorted {
                abs($0 - starts[starts.count / 2]) < abs($1 - starts[starts.count / 2])
            }
        }
        var middle: TilePlan?
        for row in order(rows) {
            for column in order(columns)
            where !(pilots.columns.contains(column) && pilots.rows.contains(row)) {
                let window = TilePlan(self, columns: [column], rows: [row])
                if try isSuitable(window) { return window }
                middle = middle ?? window
            }
        }
        return middle ?? spread(atMost: 1)
    }

    /// The middles of so many equal parts.
    private static func pick(_ count: Int, of starts: [Int]) -> [Int] {
        (0..<count).map { starts[(2 * $0 + 1) * starts.count / (2 * count)] }
    }
}
