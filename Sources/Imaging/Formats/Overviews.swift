// Smaller copies of an image, made while its rows pass by.

/// Each level has half the width and height of the one before, rounded up, until both are at most
/// 256. A pixel is the mean of 2 x 2, in which what is missing and, where alpha is independent of
/// the colours, what cannot be seen do not count; one beside the nodata value where it would fall
/// on it. Rows wait in a scratch file: memory is a row for each level.
final class Overviews {
    static let sideMaximum = 256

    struct Level {
        let width, height: Int
        /// In the scratch file.
        let offset: Int
    }

    let levels: [Level]
    private let header: ImageHeader
    private let file: ScratchFile
    /// For the image and each level but the last: the upper row of a pair that waits for the lower.
    private var waiting: [[UInt8]?]
    /// Rows that have come to the image and each level.
    private var rowCounts: [Int]

    /// - Parameter name: the output's path; the scratch file lies in its folder.
    init(_ header: ImageHeader, name: String) throws(ImageError) {
        self.header = header
        var (width, height, offset) = (header.width, header.height, 0)
        var levels: [Level] = []
        while max(width, height) > Self.sideMaximum {
            (width, height) = ((width + 1) / 2, (height + 1) / 2)
            levels.append(Level(width: width, height: height, offset: offset))
            offset += width * height * header.pixelByteCount
        }
        self.levels = levels
        let folder = splitPath(name).folder
        file = try ScratchFile(
            byteCount: max(offset, 1), folder: folder.isEmpty ? "." : folder,
            wantedBy: "\(name): its overviews need")
        waiting = Array(repeating: nil, count: levels.count)
        rowCounts = Array(repeating: 0, count: levels.count + 1)
    }

    /// Takes the next rows of the image, (rowCount, W, samplesPerPixel).
    func add(rowCount: Int, _ samples: UnsafeRawBufferPointer) throws(ImageError) {
        let rowByteCount = header.width * header.pixelByteCount
        for row in 0..<rowCount {
            let first = row * rowByteCount
            try add(
                UnsafeRawBufferPointer(rebasing: samples[first..<first + rowByteCount]), to: 0)
        }
    }

    /// Takes the next row of the image (0) or of a level (from 1).
    private func add(_ row: UnsafeRawBufferPointer, to index: Int) throws(ImageError) {
        rowCounts[index] += 1
        guard index < levels.count else { return }
        let height = index == 0 ? header.height : levels[index - 1].height
        let next = levels[index]
        guard let upper = waiting[index] else {
            if rowCounts[index] < height {
                waiting[index] = Array(row)
            } else {
                // The last of an odd number of rows is a pair by itself.
                try addMean(row, row, to: next, index + 1)
            }
            return
        }
        waiting[index] = nil
        let result: Result<Void, ImageError> = upper.withUnsafeBytes { upper in
            do throws(ImageError) {
                return .success(try addMean(upper, row, to: next, index + 1))
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    private func addMean(
        _ upper: UnsafeRawBufferPointer, _ lower: UnsafeRawBufferPointer, to level: Level,
        _ index: Int
    ) throws(ImageError) {
        let byteCount = level.width * header.pixelByteCount
        let row = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 16)
        defer { row.deallocate() }
        header.halve(upper, lower, into: row)
        try file.write(
            UnsafeRawBufferPointer(row), at: level.offset + rowCounts[index] * byteCount)
        try add(UnsafeRawBufferPointer(row), to: index)
    }

    /// Reads a level, some rows at a time.
    func forEachBand(
        of level: Level,
        _ body: (_ rowCount: Int, _ samples: UnsafeRawBufferPointer) throws(ImageError) -> Void
    ) throws(ImageError) {
        let rowByteCount = level.width * header.pixelByteCount
        let bandRowCount = max(1, min(level.height, (1 << 20) / rowByteCount))
        let band = UnsafeMutableRawBufferPointer.allocate(
            byteCount: bandRowCount * rowByteCount, alignment: 16)
        defer { band.deallocate() }
        for top in stride(from: 0, to: level.height, by: bandRowCount) {
            let count = min(bandRowCount, level.height - top)
            let part = UnsafeMutableRawBufferPointer(rebasing: band[..<(count * rowByteCount)])
            try file.read(part, at: level.offset + top * rowByteCount)
            try body(count, UnsafeRawBufferPointer(part))
        }
    }
}

extension ImageHeader {
    /// Means of 2 x 2 pixels of two rows, (ceil(W / 2), samplesPerPixel); the last column of an odd
    /// number is a pair by itself.
    func halve(
        _ upper: UnsafeRawBufferPointer, _ lower: UnsafeRawBufferPointer,
        into row: UnsafeMutableRawBufferPointer
    ) {
        // Each call names its type: through an existential it would not be specialized.
        switch sampleType {
        case .uint8: halve(UInt8.self, upper, lower, row)
        case .uint16: halve(UInt16.self, upper, lower, row)
        case .uint32: halve(UInt32.self, upper, lower, row)
        case .int8: halve(Int8.self, upper, lower, row)
        case .int16: halve(Int16.self, upper, lower, row)
        case .int32: halve(Int32.self, upper, lower, row)
        case .float16: halve(Float16.self, upper, lower, row)
        case .float32: halve(Float.self, upper, lower, row)
        case .float64: halve(Double.self, upper, lower, row)
        }
    }

    private func halve<Sample: ImageSample>(
        _: Sample.Type, _ upper: UnsafeRawBufferPointer, _ lower: UnsafeRawBufferPointer,
        _ row: UnsafeMutableRawBufferPointer
    ) {
        let rows = (
            upper.assumingMemoryBound(to: Sample.self),
            lower.assumingMemoryBound(to: Sample.self)
        )
        let means = row.assumingMemoryBound(to: Sample.self)
        let (count, bands) = (samplesPerPixel, colorBands)
        let width = rows.0.count / count
        let isWeighted = alpha == .unassociated
        let nodata = missingSample
        for x in 0..<(width + 1) / 2 {
            let left = 2 * x * count
            let right = min(2 * x + 1, width - 1) * count
            var weights = SIMD4<Double>(repeating: 1)
            if isWeighted {
                weights = SIMD4(
                    rows.0[left + bands].real, rows.0[right + bands].real,
                    rows.1[left + bands].real, rows.1[right + bands].real)
                if weights.sum() == 0 { weights = SIMD4(repeating: 1) }
            }
            for band in 0..<count {
                let values = SIMD4(
                    rows.0[left + band].real, rows.0[right + band].real,
                    rows.1[left + band].real, rows.1[right + band].real)
                if band >= bands {
                    means[x * count + band] = Sample(nearest: values.sum() / 4)
                } else if let mean = knownMean(values, weights, nodata: nodata) {
                    means[x * count + band] = Sample(nearest: mean, beside: nodata)
                } else {
                    // Where all are missing it stays missing, as it is.
                    means[x * count + band] = rows.0[left + band]
                }
            }
        }
    }
}

/// The weighted mean of what is finite and not the nodata value; nil where nothing is.
@inline(__always)
private func knownMean(
    _ values: SIMD4<Double>, _ weights: SIMD4<Double>, nodata: Double
) -> Double? {
    var (sum, weight, plain, count) = (0.0, 0.0, 0.0, 0.0)
    for i in 0..<4 where values[i].isFinite && values[i] != nodata {
        sum += weights[i] * values[i]
        weight += weights[i]
        plain += values[i]
        count += 1
    }
    if weight > 0 { return sum / weight }
    return count > 0 ? plain / count : nil
}
