// What values an image has, measured in one pass.

extension ImageSource {
    /// The range of all colour samples that are not missing, with a twentieth of its length as room
    /// on both sides, but not beyond what finite samples can hold. A flat image has its value in
    /// the middle; nil when all samples are missing.
    ///
    /// - Throws: `unsupported` where the samples lie so far apart that double precision cannot tell
    ///   their distance; what reading throws.
    public func measuredRange() throws(ImageError) -> ValueRange? {
        var plain = header
        // As they are: decoding then subtracts nothing and divides by one.
        plain.values = ValueRange(low: 0, high: 1)
        let rowByteCount = header.width * header.pixelByteCount
        let rowCount = max(1, min(header.height, (1 << 20) / rowByteCount))
        let raw = UnsafeMutableRawBufferPointer.allocate(
            byteCount: rowCount * rowByteCount, alignment: 16)
        let values = UnsafeMutableBufferPointer<Float>.allocate(
            capacity: rowCount * header.width * header.colorBands)
        defer {
            raw.deallocate()
            values.deallocate()
        }
        var range = ValueRange(low: .infinity, high: -.infinity)
        for top in stride(from: 0, to: header.height, by: rowCount) {
            let count = min(rowCount, header.height - top)
            let part = UnsafeMutableRawBufferPointer(rebasing: raw[..<(count * rowByteCount)])
            let sampleCount = count * header.width * header.colorBands
            let numbers = UnsafeMutableBufferPointer(rebasing: values[..<sampleCount])
            let rows = PixelRegion(x: 0, y: top, width: header.width, height: count)
            try readRaw(rows, into: part)
            plain.decode(UnsafeRawBufferPointer(part), into: numbers)
            try hideMissing(in: rows, of: numbers)
            // From the samples: a number has fewer digits than some of them.
            plain.widen(
                &range, by: UnsafeRawBufferPointer(part), where: UnsafeBufferPointer(numbers))
        }
        guard range.low <= range.high else { return nil }
        let measured = ValueRange(measured: range.low, range.high, header.sampleType)
        guard (measured.high - measured.low).isFinite else {
            throw ImageError(
                .unsupported,
                "the image's samples reach from \(range.low) to \(range.high), farther than can be "
                    + "computed with; --range LOW,HIGH names the values to be restored")
        }
        return measured
    }
}

extension ValueRange {
    init(measured low: Double, _ high: Double, _ type: SampleType) {
        let length = high > low ? high - low : max(abs(low), 1)
        let room = high > low ? length / 20 : length / 2
        self.init(low: low - room, high: high + room)
        let bounds = type.limits
        self = ValueRange(low: max(self.low, bounds.low), high: min(self.high, bounds.high))
    }
}
