// A preference for pictures of even parts, beside the data term.

/// The total variation of a picture x: the mean over its samples, bands by themselves, of
/// sqrt(dx^2 + dy^2 + e^2), where dx and dy are the differences to the next sample of the row and
/// of the column, 0 at the last, and e is 1/1000, below a level of 8 bits, so that it is smooth.
///
/// DIP-TV (Liu et al. 2019) adds it to the Deep Image Prior. It is taken of the network's output,
/// also where samples are missing: it is about the picture, not about what is given.
struct TotalVariation {
    let weight: Float
    let height, width, bands: Int

    private static let smoothing: Float = 1e-3

    /// Adds the derivative by each sample.
    ///
    /// - Parameters:
    ///   - gradient: (height, width, bands), added to.
    ///   - picture: x, of the same shape.
    func addGradient(
        to gradient: UnsafeMutableBufferPointer<Float>,
        of picture: UnsafeMutableBufferPointer<Float>
    ) {
        guard weight > 0 else { return }
        let (factor, rest) = (weight / Float(picture.count), Self.smoothing * Self.smoothing)
        let row = width * bands
        for y in 0..<height {
            for x in 0..<width {
                for index in y * row + x * bands..<y * row + (x + 1) * bands {
                    let value = picture[index]
                    let across = x + 1 < width ? picture[index + bands] - value : 0
                    let down = y + 1 < height ? picture[index + row] - value : 0
                    let scale = factor / (across * across + down * down + rest).squareRoot()
                    if x + 1 < width { gradient[index + bands] += across * scale }
                    if y + 1 < height { gradient[index + row] += down * scale }
                    gradient[index] -= (across + down) * scale
                }
            }
        }
    }
}
