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

    /// Computes the join's statistics from what the parts hold. `rows` holds two rows.
    func prepare(rows: UnsafeMutablePointer<Float>) {
        guard let join else { return }
        for y in 0..<shape.height {
            table.pointee.load_row(description, Int64(y), 0, rows, rows + rowCount)
            if y == 0 { join.beginStatistics(firstPixel: rows) }
            join.addStatistics(rows, pixels: shape.width)
        }
        join.finishStatistics(pixels: shape.pixels)
    }

    /// Carries dLoss/d(source) back to the parts. Row y of the gradient, (width, channels), lies at
    /// `gradient + y * stride` and is overwritten. `rows` holds two rows.
    func backward(
        _ gradient: UnsafeMutablePointer<Float>, stride: Int, rows: UnsafeMutablePointer<Float>
    ) {
        let kernels = table.pointee
        let channels = Int64(shape.channels)
        if let join {
            join.beginGradient()
            for y in 0..<shape.height {
                kernels.load_row(description, Int64(y), 0, rows, rows + rowCount)
                join.addGradient(
                    gradient + y * stride, values: rows, pixels: shape.width, slope: nil)
            }
            join.finishGradient(pixels: shape.pixels)
        }
        for y in 0..<shape.height {
            let row = gradient + y * stride
            if let join {
                kernels.load_row(description, Int64(y), 0, rows, rows + rowCount)
                kernels.combine_row(
                    row, rows, Int64(shape.width), channels, join.mean, join.k1, join.k2,
                    join.k3)
            }
            addToParts(row, y: y, scratch: rows)
        }
    }

    private func addToParts(
        _ row: UnsafePointer<Float>, y: Int, scratch: UnsafeMutablePointer<Float>
    ) {
        withUnsafePointer(to: &description.pointee.parts.0) { parts in
            var offset = 0
            for index in gradients.indices {
                let part = parts[index]
                if let gradient = gradients[index] {
                    if gradient.isFirstWriter {
                        let length = Int(part.width * part.channels)
                        for reached in Self.rowsFirstReached(from: y, of: part) {
                            gradient.values.advanced(by: reached * length)
                                .update(repeating: 0, count: length)
                        }
                    }
                    table.pointee.add_row_adjoint(
                        parts + index, Int64(y), row + offset, Int64(shape.channels),
                        gradient.values, scratch)
                }
                offset += Int(part.channels)
            }
        }
    }

    /// Stored rows that row `y` is the first to reach: of enlarged rows, 0 and 1 reach stored rows
    /// 0 and 1, every second row after them one more.
    private static func rowsFirstReached(from y: Int, of part: dip_part) -> Range<Int> {
        guard Int(part.upsample) != dip_upsample_none else { return y..<y + 1 }
        if y == 0 { return 0..<1 }
        let next = y / 2 + 1
        return y % 2 == 1 && next < Int(part.height) ? next..<next + 1 : 0..<0
    }
}
