// The weight of each window at each of its pixels, along one axis.

import Glibc

/// Weights along one axis; a tile's weight at a pixel is the product of those of its column and
/// its row.
///
/// Across each overlap with a neighbour a window's weight rises as a raised cosine, (1 - cos(pi
/// t)) / 2, from almost zero at its rim; towards the image's edge it is flat. Where windows meet,
/// the weights are divided by their sum, which for two windows is already one.
struct FeatherWeights {
    /// One array of `window` weights for each window. Beyond the image they mean nothing.
    let windows: [[Float]]

    init(starts: [Int], window: Int, length: Int) {
        var raw = [[Double]]()
        var sum = [Double](repeating: 0, count: length)
        for (index, start) in starts.enumerated() {
            // Pixels shared with the neighbour on either side; 0 without one.
            let before = index == 0 ? 0 : starts[index - 1] + window - start
            let after = index == starts.count - 1 ? 0 : start + window - starts[index + 1]
            let weights = (0..<window).map { offset in
                ramp(offset, over: before) * ramp(window - 1 - offset, over: after)
            }
            for offset in 0..<min(window, length - start) { sum[start + offset] += weights[offset] }
            raw.append(weights)
        }
        windows = zip(starts, raw).map { start, weights in
            weights.enumerated().map { offset, weight in
                start + offset < length ? Float(weight / sum[start + offset]) : 0
            }
        }
    }
}

/// The raised cosine at the middle of pixel `offset` of an overlap, never zero; 1 behind it.
private func ramp(_ offset: Int, over overlap: Int) -> Double {
    guard offset < overlap else { return 1 }
    return (1 - cos(.pi * (Double(offset) + 0.5) / Double(overlap))) / 2
}
