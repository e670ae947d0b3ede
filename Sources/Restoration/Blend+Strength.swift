// A restored picture that keeps some of what was given.

import Imaging

extension Blend {
    /// Rows of the picture with the input's own in the share that is left of the strength. Samples
    /// that the input lacks are the picture's alone. The caller gives the memory back.
    func mixedWithInput(
        _ rows: Range<Int>, _ pixels: UnsafeBufferPointer<Float>
    ) throws(ImageError) -> UnsafeMutableBufferPointer<Float> {
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
            numbers[index] = given.isNaN ? restored : given + strength * (restored - given)
        }
        return numbers
    }
}
