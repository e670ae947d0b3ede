// How much of the results' differences is left in the output's samples.

import Imaging

extension Blend {
    /// Deviations of the output, from those of the picture that the fits make: a sample that keeps
    /// a share of the input has so much less, one that stays has none.
    ///
    /// - Parameter deviations: (rows, width); NaN in the result where all of a pixel stays.
    func outputDeviations(
        _ rows: Range<Int>, _ deviations: [Float]
    ) throws(ImageError) -> [Float] {
        guard facts.keepsKnown || facts.strength < 1 || keepsMissing else { return deviations }
        let bands = facts.header.colorBands
        let given = try numbers(rows)
        let missing = keepsMissing && hasMask ? try ownNumbers(rows) : given
        let strength = facts.keepsKnown ? 0 : Float(facts.strength)
        return deviations.indices.map { pixel in
            var squares: Float = 0
            var hasPart = false
            for sample in pixel * bands..<(pixel + 1) * bands {
                let stays =
                    keepsMissing && missing[sample].isNaN
                    || facts.keepsKnown && !given[sample].isNaN
                let share = stays ? 0 : given[sample].isNaN ? 1 : strength
                hasPart = hasPart || !stays
                squares += share * share
            }
            return hasPart ? deviations[pixel] * (squares / Float(bands)).squareRoot() : .nan
        }
    }

    private var keepsMissing: Bool {
        !facts.fillsMissing
            && (facts.header.sampleType.isFloatingPoint || facts.header.metadata.nodata != nil)
    }

    /// What fits see of rows.
    private func numbers(_ rows: Range<Int>) throws(ImageError) -> [Float] {
        let part = region(rows)
        var numbers = [Float](
            repeating: 0, count: part.width * part.height * facts.header.colorBands)
        try numbers.withUnsafeMutableBufferPointer { buffer throws(ImageError) in
            try source.readColor(part, into: buffer)
        }
        return numbers
    }

    /// The same without a mask.
    private func ownNumbers(_ rows: Range<Int>) throws(ImageError) -> [Float] {
        let part = region(rows)
        let pixelCount = part.width * part.height
        let samples = UnsafeMutableRawBufferPointer.allocate(
            byteCount: pixelCount * facts.header.pixelByteCount, alignment: 16)
        defer { samples.deallocate() }
        try source.readRaw(part, into: samples)
        var numbers = [Float](repeating: 0, count: pixelCount * facts.header.colorBands)
        numbers.withUnsafeMutableBufferPointer {
            facts.header.decode(UnsafeRawBufferPointer(samples), into: $0)
        }
        return numbers
    }
}
