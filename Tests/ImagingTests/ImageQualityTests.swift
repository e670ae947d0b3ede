import Imaging
import Testing

@Suite struct ImageQualityTests {
    /// (7 x + 13 y + 31 band + x y band) mod 256, and the same with every third sample changed.
    private func pair(width: Int, height: Int, bands: Int) -> (PictureSource, PictureSource) {
        let header = ImageHeader(
            width: width, height: height, colorBands: bands, sampleType: .uint8, format: .png)
        var (one, other) = ([UInt16](), [UInt16]())
        for y in 0..<height {
            for x in 0..<width {
                for band in 0..<bands {
                    let value = (7 * x + 13 * y + 31 * band + x * y * band) % 256
                    one.append(UInt16(value))
                    other.append(UInt16((x + y) % 3 == 0 ? (value + 40) % 256 : value))
                }
            }
        }
        return (
            PictureSource(Picture(header: header, samples: one)),
            PictureSource(Picture(header: header, samples: other))
        )
    }

    @Test func `PSNR follows from the mean squared error`() throws {
        let (a, b) = pair(width: 20, height: 100, bands: 3)
        var sum = 0.0
        for (x, y) in zip(a.picture.samples, b.picture.samples) {
            sum += (Double(x) - Double(y)) * (Double(x) - Double(y)) / (255 * 255)
        }
        let expected = sum / 6000
        #expect(abs(try ImageQuality.meanSquaredError(a, b) - expected) < 1e-6 * expected)
        #expect(abs(ImageQuality.psnr(meanSquaredError: 0.01) - 20) < 1e-12)
        #expect(try ImageQuality.psnr(a, a) == .infinity)
        #expect(abs(try ImageQuality.ssim(a, a) - 1) < 1e-12)
    }

    @Test func `SSIM agrees with scikit-image`() throws {
        // structural_similarity(a / 255, b / 255, gaussian_weights=True, sigma=1.5,
        // use_sample_covariance=False, data_range=1), channel_axis=2 for RGB; scikit-image 0.26.
        let (a, b) = pair(width: 20, height: 100, bands: 3)
        #expect(abs(try ImageQuality.ssim(a, b) - 0.679_083_288_682) < 1e-6)
        #expect(abs(try ImageQuality.psnr(a, b) - 13.485_820_700) < 1e-5)
        let (c, d) = pair(width: 33, height: 40, bands: 1)
        #expect(abs(try ImageQuality.ssim(c, d) - 0.578_585_259_207) < 1e-6)
    }

    @Test func `images that differ in kind are refused with both named`() throws {
        let (a, _) = pair(width: 20, height: 20, bands: 3)
        for (width, bands) in [(21, 3), (20, 1)] {
            let (b, _) = pair(width: width, height: 20, bands: bands)
            let error = #expect(throws: ImageError.self) { try ImageQuality.psnr(a, b) }
            #expect(error?.message.contains("20 x 20 RGB") == true)
            #expect(error?.message.contains("\(width) x 20 \(bands == 1 ? "gray" : "RGB")") == true)
        }
        let (small, _) = pair(width: 10, height: 20, bands: 1)
        #expect(throws: ImageError.self) { try ImageQuality.ssim(small, small) }
    }
}
