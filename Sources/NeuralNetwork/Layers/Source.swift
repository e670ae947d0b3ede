// What a layer reads: stored tensors with everything that is pending on them, row by row.

import CKernels

/// A compiled `Feature`: reads rows of it, and carries gradients of rows back to what is stored.
struct Source {
    /// Where a part's gradient goes; nil for the network's input, which has none.
    struct PartGradient {
        let values: UnsafeMutablePointer<Float>  // as the stored part
        let count: Int
        /// The first consumer in backward order clears the gradient, later ones add.
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
        for case let part? in gradients where part.isFirstWriter {
            part.values.update(repeating: 0, count: part.count)
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
                if let part = gradients[index] {
                    table.pointee.add_row_adjoint(
                        parts + index, Int64(y), row + offset, Int64(shape.channels), part.values,
                        scratch)
                }
                offset += Int(parts[index].channels)
            }
        }
    }
}
