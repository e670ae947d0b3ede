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

    /// Puts numbers in the place of colour samples, scaled, rounded to nearest and clamped, beside
    /// the nodata value where they would fall on it. Samples of pixels that are not restored,
    /// missing ones and alpha stay bit for bit.
    ///
    /// - Parameters:
    ///   - color: (pixels, C) in [0, 1]; NaN where the sample stays.
    ///   - isRestored: (pixels), 0 where the pixel stays; nil where all are.
    ///   - fillsMissing: whether missing samples are replaced like others.
    ///   - samples: (pixels, samplesPerPixel), the file's own.
    public func encode(
        _ color: UnsafeBufferPointer<Float>, isRestored: UnsafeBufferPointer<UInt8>? = nil,
        fillsMissing: Bool = false, into samples: UnsafeMutableRawBufferPointer
    ) {
        // Each call names its type: through an existential it would not be specialized.
        switch sampleType {
        case .uint8: encode(UInt8.self, color, isRestored, fillsMissing, samples)
        case .uint16: encode(UInt16.self, color, isRestored, fillsMissing, samples)
        case .uint32: encode(UInt32.self, color, isRestored, fillsMissing, samples)
        case .int8: encode(Int8.self, color, isRestored, fillsMissing, samples)
        case .int16: encode(Int16.self, color, isRestored, fillsMissing, samples)
        case .int32: encode(Int32.self, color, isRestored, fillsMissing, samples)
        case .float16: encode(Float16.self, color, isRestored, fillsMissing, samples)
        case .float32: encode(Float.self, color, isRestored, fillsMissing, samples)
        case .float64: encode(Double.self, color, isRestored, fillsMissing, samples)
        }
    }

    private func encode<Sample: ImageSample>(
        _: Sample.Type, _ color: UnsafeBufferPointer<Float>,
        _ isRestored: UnsafeBufferPointer<UInt8>?, _ fillsMissing: Bool,
        _ raw: UnsafeMutableRawBufferPointer
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
                let isMissing = !former.isFinite || former == nodata
                let value = color[pixel * bands + band]
                if value.isNaN || (isMissing && !fillsMissing) { continue }
                let wanted = low + Double(min(max(value, 0), 1)) * span
                let sample = Sample(nearest: wanted)
                samples[place] = sample.real == nodata ? sample.neighbor(towards: wanted) : sample
            }
        }
    }
}
