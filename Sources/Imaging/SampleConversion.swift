// Between the samples of a file and numbers in [0, 1]: the one place where either becomes the
// other.

import CSamples
import Glibc

extension ImageHeader {
    /// Turns pixels into numbers, (pixels, C) from (pixels, samplesPerPixel). What is missing (not
    /// finite, or the nodata value) becomes NaN.
    public func decode(
        _ samples: UnsafeRawBufferPointer, into color: UnsafeMutableBufferPointer<Float>
    ) {
        precondition(color.count / colorBands * pixelByteCount <= samples.count)
        guard let kind = sampleType.kernelType else { return decodeHalves(samples, color) }
        var format = sampleFormat(kind)
        csamples_decode(&format, samples.baseAddress, color.count / colorBands, color.baseAddress)
    }

    /// Puts numbers in the place of colour samples, scaled, rounded to nearest and clamped, beside
    /// the nodata value where they would fall on it; not above alpha where colours are multiplied
    /// by it (unsigned integers). Samples of pixels that are not restored, missing ones and alpha
    /// stay bit for bit.
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
        let pixelCount = color.count / colorBands
        precondition(pixelCount * pixelByteCount <= samples.count)
        precondition(isRestored.map { $0.count >= pixelCount } ?? true)
        guard let kind = sampleType.kernelType else {
            return encodeHalves(color, isRestored, fillsMissing, samples)
        }
        var format = sampleFormat(kind)
        format.fills_missing = fillsMissing ? 1 : 0
        csamples_encode(
            &format, color.baseAddress, isRestored?.baseAddress, pixelCount, samples.baseAddress)
        if alpha == .associated {
            csamples_bound_by_alpha(
                &format, color.baseAddress, isRestored?.baseAddress, pixelCount,
                samples.baseAddress)
        }
    }

    /// Widens a range by the samples whose number is not NaN, exactly as they are.
    ///
    /// - Parameters:
    ///   - samples: (pixels, samplesPerPixel).
    ///   - color: (pixels, C).
    func widen(
        _ range: inout ValueRange, by samples: UnsafeRawBufferPointer,
        where color: UnsafeBufferPointer<Float>
    ) {
        precondition(color.count / colorBands * pixelByteCount <= samples.count)
        if let kind = sampleType.kernelType {
            var format = sampleFormat(kind)
            return csamples_measure(
                &format, samples.baseAddress, color.baseAddress, color.count / colorBands,
                &range.low, &range.high)
        }
        let halves = samples.assumingMemoryBound(to: Float16.self)
        for index in color.indices where !color[index].isNaN {
            let value = Double(halves[index / colorBands * samplesPerPixel + index % colorBands])
            range.low = min(range.low, value)
            range.high = max(range.high, value)
        }
    }

    /// Whether the file's own samples are needed to make those of restored pixels: some of them
    /// may stay as they are.
    public var mayKeepSamples: Bool {
        hasAlpha || sampleType.isFloatingPoint || metadata.nodata != nil
    }

    private func sampleFormat(_ type: csamples_type) -> csamples_format {
        csamples_format(
            type: type, bands: colorBands, stride: samplesPerPixel, low: values.low,
            span: values.high - values.low, nodata: missingSample, fills_missing: 0)
    }

    /// Half precision has no type in C on every CPU.
    private func decodeHalves(
        _ raw: UnsafeRawBufferPointer, _ color: UnsafeMutableBufferPointer<Float>
    ) {
        let samples = raw.assumingMemoryBound(to: Float16.self)
        let (low, span, nodata) = mapping
        for index in color.indices {
            let place = index / colorBands * samplesPerPixel + index % colorBands
            let value = Double(samples[place])
            let isMissing = !value.isFinite || value == nodata
            color[index] = isMissing ? .nan : Float((value - low) / span)
        }
    }

    private func encodeHalves(
        _ color: UnsafeBufferPointer<Float>, _ isRestored: UnsafeBufferPointer<UInt8>?,
        _ fillsMissing: Bool, _ raw: UnsafeMutableRawBufferPointer
    ) {
        let samples = raw.assumingMemoryBound(to: Float16.self)
        let (low, span, nodata) = mapping
        for index in color.indices {
            if let isRestored, isRestored[index / colorBands] == 0 { continue }
            let place = index / colorBands * samplesPerPixel + index % colorBands
            let former = Double(samples[place])
            let isMissing = !former.isFinite || former == nodata
            if color[index].isNaN || (isMissing && !fillsMissing) { continue }
            let wanted = low + Double(min(max(color[index], 0), 1)) * span
            samples[place] = Float16(nearest: wanted, beside: nodata)
        }
    }

    private var mapping: (low: Double, span: Double, nodata: Double) {
        (values.low, values.high - values.low, missingSample)
    }
}

extension SampleType {
    /// What the kernels call it; nil for half precision.
    fileprivate var kernelType: csamples_type? {
        switch self {
        case .uint8: CSAMPLES_UINT8
        case .uint16: CSAMPLES_UINT16
        case .uint32: CSAMPLES_UINT32
        case .int8: CSAMPLES_INT8
        case .int16: CSAMPLES_INT16
        case .int32: CSAMPLES_INT32
        case .float16: nil
        case .float32: CSAMPLES_FLOAT32
        case .float64: CSAMPLES_FLOAT64
        }
    }
}
