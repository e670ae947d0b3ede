// dip-coord compare: how alike two images are.

import ArgumentParser
import Dashboard
import Imaging

struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Print PSNR and SSIM of two images of equal size.",
        discussion: """
            Over the colour samples; alpha does not count. SSIM as by Wang et al. (2004), with a \
            Gaussian window of 11 x 11 pixels and sigma 1.5.
            """)

    @Argument(
        help: "An image, such as the clean one (PNG, TIFF or JPEG).", completion: .file())
    var a: String

    @Argument(help: "Another image of the same size.", completion: .file())
    var b: String

    @Flag(help: "Print one JSON object.")
    var json = false

    private struct Comparison: Encodable {
        let a: String
        let b: String
        let identical: Bool
        /// Absent for identical images.
        let psnr: Double?
        /// Absent for images with a side below 11 pixels.
        let ssim: Double?
        let meanSquaredError: Double
    }

    func run() throws {
        let (first, second) = (try ImageFormats.open(a), try ImageFormats.open(b))
        let (one, other) = (first.header, second.header)
        guard one.width == other.width, one.height == other.height,
            one.colorBands == other.colorBands
        else {
            throw ProgramError(
                .badInput,
                "\(a) is \(one.kind) and \(b) is \(other.kind); only images of equal "
                    + "size and colours can be compared")
        }
        let error = try ImageQuality.meanSquaredError(first, second)
        let psnr = ImageQuality.psnr(meanSquaredError: error)
        let hasWindow = min(one.width, one.height) >= 11
        let ssim = hasWindow ? try ImageQuality.ssim(first, second) : nil
        if json {
            let comparison = Comparison(
                a: a, b: b, identical: error == 0, psnr: error == 0 ? nil : psnr, ssim: ssim,
                meanSquaredError: error)
            let line = String(decoding: try Text.json(comparison, indented: false), as: UTF8.self)
            return try StandardStream.printResult(line + "\n")
        }
        let similarity = ssim.map { Text.fixed($0, 4) } ?? "not defined below 11 x 11 pixels"
        try StandardStream.printResult(
            "PSNR \(error == 0 ? "inf" : Text.fixed(psnr, 2)) dB\nSSIM \(similarity)\n")
    }
}
