// What a layer reads: stored tensors with everything that is pending on them, row by row.

import CKernels

/// A compiled `Feature`: reads rows of it, and carries gradients of rows back to what is stored.
struct Source {
    /// Where a part's gradient goes; nil for the network's input, which has none.
    struct PartGradient {
        let values: UnsafeMutablePointer<Float>  // as the stored part
        /// The first consumer in backward order clears each row before it adds, later ones add.
        let isFirstWriter: Bool
    }

    let shape: Shape
    let table: UnsafePointer<dip_kernels>
    /// Normalization over the joined parts, nil where there is none.
    let join: NormalizationLayer?
    let gradients: [PartGradient?]
    /// Rows for threads to share, top down; they begin at even rows.
    let rowParts: [Range<Int>]
    let isEnlarged: Bool
    /// One for the C kernels, at a fixed address as long as the network lives.
    let description: UnsafeMutablePointer<dip_source>

    var needsGradient: Bool { gradients.contains { $0 != nil } }
    var rowCount: Int { shape.width * shape.channels }

    /// Row `y` to `row`, (width, channels). `scratch` holds a row.
    func load(
        row y: Int, into row: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
    ) {
        table.pointee.load_row(description, Int64(y), 1, row, scratch)
    }

    /// Computes the join's statistics from what the parts hold.
    func prepare(_ team: ThreadTeam, _ scratch: [Scratch]) {
        guard let join else { return }
        team.run(parts: rowParts.count) { part, thread in
            let rows = scratch[thread].rows
            for y in rowParts[part] {
                table.pointee.load_row(description, Int64(y), 0, rows, rows + rowCount)
                if y == rowParts[part].lowerBound {
                    join.beginStatistics(part: part, firstPixel: rows)
                }
                join.addStatistics(part: part, rows, pixels: shape.width)
            }
        }
        join.finishStatistics(partCount: rowParts.count)
    }

    /// Carries dLoss/d(source), the inside of a padded gradient, back to the parts.
    func backward(
        _ gradient: PaddedGradient, rim: Int, _ team: ThreadTeam, _ scratch: [Scratch]
    ) {
        func row(_ y: Int) -> UnsafePointer<Float> {
            UnsafePointer(gradient.row(y + rim) + rim * shape.channels)
        }
        if let join {
            team.run(parts: rowParts.count) { part, thread in
                let rows = scratch[thread].rows
                join.beginGradient(part: part)
                for y in rowParts[part] {
                    table.pointee.load_row(description, Int64(y), 0, rows, rows + rowCount)
                    join.addGradient(
                        part: part, row(y), values: rows, pixels: shape.width, slope: nil)
                }
            }
            join.finishGradient(partCount: rowParts.count)
        }
        team.run(parts: rowParts.count) { part, thread in
            let rows = scratch[thread].rows
            for y in readRows(for: rowParts[part]) {
                addToParts(normalizedGradient(row(y), y: y, rows), y, of: rowParts[part], rows)
            }
        }
    }

    /// Rows of the gradient that the stored rows behind `rows` need: enlargement mixes neighbours.
    private func readRows(for rows: Range<Int>) -> Range<Int> {
        guard isEnlarged else { return rows }
        return max(0, rows.lowerBound - 1)..<min(shape.height, rows.upperBound + 1)
    }

    /// `row` itself, or the row behind the join's normalization, in the third row of `rows`.
    private func normalizedGradient(
        _ row: UnsafePointer<Float>, y: Int, _ rows: UnsafeMutablePointer<Float>
    ) -> UnsafePointer<Float> {
        guard let join else { return row }
        let result = rows + 2 * rowCount
        table.pointee.load_row(description, Int64(y), 0, rows, rows + rowCount)
        table.pointee.combine_row(
            row, rows, Int64(shape.width), Int64(shape.channels), join.mean, join.k1, join.k2,
            join.k3, result)
        return UnsafePointer(result)
    }

    /// Adds row `y` to those stored rows that lie behind rows `range`.
    private func addToParts(
        _ row: UnsafePointer<Float>, _ y: Int, of range: Range<Int>,
        _ scratch: UnsafeMutablePointer<Float>
    ) {
        withUnsafePointer(to: &description.pointee.parts.0) { parts in
            var offset = 0
            for index in gradients.indices {
                let part = parts[index]
                if let gradient = gradients[index] {
                    let stored = Self.storedRows(behind: range, of: part)
                    if gradient.isFirstWriter,
                        let first = Self.rowFirstReached(from: y, of: part),
                        stored.contains(first)
                    {
                        let length = Int(part.width * part.channels)
                        (gradient.values + first * length).update(repeating: 0, count: length)
                    }
                    table.pointee.add_row_adjoint(
                        parts + index, Int64(y), row + offset, Int64(shape.channels),
                        Int64(stored.lowerBound), Int64(stored.upperBound), gradient.values,
                        scratch + rowCount)
                }
                offset += Int(part.channels)
            }
        }
    }

    private static func storedRows(behind rows: Range<Int>, of part: dip_part) -> Range<Int> {
        guard Int(part.upsample) != dip_upsample_none else { return rows }
        return rows.lowerBound / 2..<rows.upperBound / 2
    }

    /// The stored row that row `y` is the first to reach: of enlarged rows, 0 reaches stored row 0,
    /// and every odd row one more.
    private static func rowFirstReached(from y: Int, of part: dip_part) -> Int? {
        guard Int(part.upsample) != dip_upsample_none, y > 0 else { return y }
        return y % 2 == 1 ? y / 2 + 1 : nil
    }
}
