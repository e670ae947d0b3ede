// Between the samples of a file and numbers in [0, 1]: the one place where either becomes the
// other.

import Glibc

extension ImageHeader {
    /// Turns pixels into numbers, (pixels, C) from (pixels, samplesPerPixel). What is missing (not
    /// finite, or the nodata value) becomes NaN.
    public func decode(
        _ samples: UnsafeRawBufferPointer, into color: UnsafeMutableBufferPointer<Float>
    ) {
        // Each call names its type: through an existential it would not be specialized.
        switch sampleType {
        case .uint8: decode(UInt8.self, samples, color)
        case .uint16: decode(UInt16.self, samples, color)
        case .uint32: decode(UInt32.self, samples, color)
        case .int8: decode(Int8.self, samples, color)
        case .int16: decode(Int16.self, samples, color)
        case .int32: decode(Int32.self, samples, color)
        case .float16: decode(Float16.self, samples, color)
        case .float32: decode(Float.self, samples, color)
        case .float64: decode(Double.self, samples, color)
        }
    }

    private func decode<Sample: ImageSample>(
        _: Sample.Type, _ raw: UnsafeRawBufferPointer, _ color: UnsafeMutableBufferPointer<Float>
    ) {
        let samples = raw.assumingMemoryBound(to: Sample.self)
        let (bands, stride) = (colorBands, samplesPerPixel)
        precondition(color.count / bands * stride <= samples.count)
        let (low, span) = (values.low, values.high - values.low)
        let nodata = metadata.nodata ?? .nan
        var (from, to) = (0, 0)
        while to < color.count {
            for band in 0..<bands {
                let value = samples[from + band].real
                let isMissing = !value.isFinite || value == nodata
                color[to + band] = isMissing ? .nan : Float((value - low) / span)
            }
            from += stride
            to += bands
        }
    }

    /// Puts numbers in the place of colour samples, scaled, rounded to nearest and clamped. Samples
    /// of pixels that are not restored, missing ones and alpha stay bit for bit.
    ///
    /// - Parameters:
    ///   - color: (pixels, C) in [0, 1].
    ///   - isRestored: (pixels), 0 where the pixel stays; nil where all are.
    ///   - samples: (pixels, samplesPerPixel), the file's own.
    public func encode(
        _ color: UnsafeBufferPointer<Float>, isRestored: UnsafeBufferPointer<UInt8>? = nil,
        into samples: UnsafeMutableRawBufferPointer
    ) {
        // Each call names its type: through an existential it would not be specialized.
        switch sampleType {
        case .uint8: encode(UInt8.self, color, isRestored, samples)
        case .uint16: encode(UInt16.self, color, isRestored, samples)
        case .uint32: encode(UInt32.self, color, isRestored, samples)
        case .int8: encode(Int8.self, color, isRestored, samples)
        case .int16: encode(Int16.self, color, isRestored, samples)
        case .int32: encode(Int32.self, color, isRestored, samples)
        case .float16: encode(Float16.self, color, isRestored, samples)
        case .float32: encode(Float.self, color, isRestored, samples)
        case .float64: encode(Double.self, color, isRestored, samples)
        }
    }

    private func encode<Sample: ImageSample>(
        _: Sample.Type, _ color: UnsafeBufferPointer<Float>,
        _ isRestored: UnsafeBufferPointer<UInt8>?, _ raw: UnsafeMutableRawBufferPointer
    ) {
        let samples = raw.assumingMemoryBound(to: Sample.self)
        let (bands, stride) = (colorBands, samplesPerPixel)
        precondition(color.count / bands * stride <= samples.count)
        let (low, span) = (values.low, values.high - values.low)
        let nodata = metadata.nodata ?? .nan
        for pixel in 0..<color.count / bands {
            if let isRestored, isRestored[pixel] == 0 { continue }
            for band in 0..<bands {
                let place = pixel * stride + band
                let former = samples[place].real
                if !former.isFinite || former == nodata { continue }
                let value = color[pixel * bands + band]
                let bounded = value > 0 ? min(Double(value), 1) : 0
                samples[place] = Sample(nearest: low + bounded * span)
            }
        }
    }
}

/// Fills what is missing in a window, (H, W, C) with NaN there, from the nearest known sample of
/// its row, else of a row above or below, so that a fit sees nothing that spreads. A window without
/// any known sample becomes 0.5.
func fillMissing(_ pixels: UnsafeMutableBufferPointer<Float>, width: Int, bands: Int) {
    guard pixels.contains(where: \.isNaN) else { return }
    let height = pixels.count / (width * bands)
    func fill(start: Int, step: Int, count: Int) {
        var known: Int?
        for index in 0..<count where !pixels[start + index * step].isNaN {
            let here = pixels[start + index * step]
            let former = known.map { pixels[start + $0 * step] } ?? here
            // The first half of a gap goes on with what lies before it, the rest with what follows.
            let gap = (known.map { $0 + 1 } ?? 0)..<index
            for place in gap {
                let isNearer = known.map { place - $0 <= index - place } ?? false
                pixels[start + place * step] = isNearer ? former : here
            }
            known = index
        }
        guard let known else { return }
        for place in known + 1..<max(count, known + 1) {
            pixels[start + place * step] = pixels[start + known * step]
        }
    }
    for band in 0..<bands {
        for y in 0..<height { fill(start: y * width * bands + band, step: bands, count: width) }
        for x in 0..<width { fill(start: x * bands + band, step: width * bands, count: height) }
    }
    for index in pixels.indices where pixels[index].isNaN { pixels[index] = 0.5 }
}
