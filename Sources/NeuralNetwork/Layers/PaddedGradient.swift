// dLoss/d(padded input) of a convolution, which parts of the work add to side by side.

import CKernels

/// Rows of a padded input's gradient, (rows, padded width, channels), in parts.
///
/// Neighbouring parts reach into each other by the rows that their kernels share. Each part has
/// these rows for itself, so that threads never meet: row r of part p lies `p * overlap` rows
/// further down. What two parts have added is joined when all are done.
struct PaddedGradient {
    let memory: UnsafeMutablePointer<Float>
    let rowLength: Int
    let plan: PaddedGradientPlan

    /// Row `row` of the padded input as part `part` sees it.
    func row(_ row: Int, part: Int) -> UnsafeMutablePointer<Float> {
        memory + (row + part * plan.overlap) * rowLength
    }

    /// A row of the whole, once the parts are joined.
    func row(_ row: Int) -> UnsafeMutablePointer<Float> {
        var part = plan.firstRows.count - 1
        while row < plan.firstRows[part] { part -= 1 }
        return self.row(row, part: part)
    }

    /// Clears rows of a part.
    func clear(_ rows: Range<Int>, part: Int) {
        guard !rows.isEmpty else { return }
        row(rows.lowerBound, part: part).update(repeating: 0, count: rows.count * rowLength)
    }

    /// Adds what each part has of the next one's first rows to them.
    func joinParts(_ table: dip_kernels) {
        guard plan.overlap > 0 else { return }
        for part in plan.firstRows.indices.dropFirst() {
            let first = plan.firstRows[part]
            table.add_to(
                row(first, part: part), row(first, part: part - 1),
                Int64(plan.overlap * rowLength))
        }
    }

    /// Adds a rim of `rim` pixels to the pixels inside that it mirrors; `shape` is that of the
    /// input without the rim.
    func fold(_ shape: Shape, rim: Int, _ table: dip_kernels) {
        guard rim > 0 else { return }
        for y in 0..<shape.height + 2 * rim {
            let pixels = row(y)
            fold(count: shape.width, rim: rim, unit: shape.channels, table) {
                pixels + $0 * shape.channels
            }
        }
        fold(count: shape.height, rim: rim, unit: rowLength, table) { row($0) }
    }

    /// Pixels of a row, or rows.
    private func fold(
        count: Int, rim: Int, unit: Int, _ table: dip_kernels,
        _ item: (Int) -> UnsafeMutablePointer<Float>
    ) {
        let last = rim + count - 1
        for distance in 1...rim {
            table.add_to(item(rim + distance), item(rim - distance), Int64(unit))
            table.add_to(item(last - distance), item(last + distance), Int64(unit))
        }
    }
}

/// Where the parts of a padded gradient begin.
struct PaddedGradientPlan {
    /// The first padded row of each part.
    let firstRows: [Int]
    /// Rows that neighbouring parts share.
    let overlap: Int
    /// Rows of the padded input.
    let height: Int

    /// Rows in memory.
    var rowCount: Int { height + (firstRows.count - 1) * overlap }

    /// The rows that only this part and those before it reach.
    func ownRows(_ part: Int) -> Range<Int> {
        firstRows[part]..<(part + 1 < firstRows.count ? firstRows[part + 1] : height)
    }
}
