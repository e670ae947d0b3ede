// What the output keeps of the input's own colours.

import Imaging

extension Blend {
    /// Rows of the picture where the input has a say in them: NaN for a known sample that stays,
    /// else the input's own in the share that is left of the strength. Samples that the input lacks
    /// are the picture's alone. The caller gives the memory back.
    ///
    /// - Returns: nil where the picture is all that counts.
    func joinedWithInput(
        _ rows: Range<Int>, _ pixels: UnsafeBufferPointer<Float>
    ) throws(ImageError) -> UnsafeMutableBufferPointer<Float>? {
        guard facts.keepsKnown || facts.strength < 1 else { return nil }
        let numbers = UnsafeMutableBufferPointer<Float>.allocate(capacity: pixels.count)
        do throws(ImageError) {
            try source.readColor(region(rows), into: numbers)
        } catch {
            numbers.deallocate()
            throw error
        }
        let strength = Float(facts.strength)
        for index in numbers.indices {
            let (given, restored) = (numbers[index], pixels[index])
            if given.isNaN {
                numbers[index] = restored
            } else {
                numbers[index] = facts.keepsKnown ? .nan : given + strength * (restored - given)
            }
        }
        return numbers
    }
}
