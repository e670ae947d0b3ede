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
        let pixelCount = color.count / colorBands
        precondition(pixelCount * pixelByteCount <= samples.count)
        precondition(isRestored.map { $0.count >= pixelCount } ?? true)
        guard let kind = sampleType.kernelType else {
            return encodeHalves(color, isRestored, samples)
        }
        var format = sampleFormat(kind)
        csamples_encode(
            &format, color.baseAddress, isRestored?.baseAddress, pixelCount, samples.baseAddress)
    }

    /// Whether the file's own samples are needed to make those of restored pixels: some of them
    /// may stay as they are.
    public var mayKeepSamples: Bool {
        hasAlpha || sampleType.isFloatingPoint || metadata.nodata != nil
    }

    private func sampleFormat(_ type: csamples_type) -> csamples_format {
        csamples_format(
            type: type, bands: colorBands, stride: samplesPerPixel, low: values.low,
            span: values.high - values.low, nodata: metadata.nodata ?? .nan)
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
        _ raw: UnsafeMutableRawBufferPointer
    ) {
        let samples = raw.assumingMemoryBound(to: Float16.self)
        let (low, span, nodata) = mapping
        for index in color.indices {
            if let isRestored, isRestored[index / colorBands] == 0 { continue }
            let place = index / colorBands * samplesPerPixel + index % colorBands
            let former = Double(samples[place])
            if !former.isFinite || former == nodata { continue }
            let bounded = color[index] > 0 ? min(Double(color[index]), 1) : 0
            samples[place] = Float16(low + bounded * span)
        }
    }

    private var mapping: (low: Double, span: Double, nodata: Double) {
        (values.low, values.high - values.low, metadata.nodata ?? .nan)
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

/// Fills what is missing in a window, (H, W, C) with NaN there, from the nearest known sample of
/// its row, else of a row above or below, so that a fit sees nothing that spreads. A window without
/// any known sample becomes 0.5.
func fillMissing(_ pixels: UnsafeMutableBufferPointer<Float>, width: Int, bands: Int) {
    guard csamples_has_nan(pixels.baseAddress, pixels.count) != 0 else { return }
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
