// dip-bench seams: whether the seams of a restoration can be found.

import ArgumentParser
import DeepImagePrior
import Imaging

struct Seams: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seams",
        abstract: "Look for the seams of a restored image, beside a run whose seams lie elsewhere.",
        discussion: """
            Where tiles of the first run overlap, PSNR to the clean image and the mean absolute \
            step between neighbouring pixels, at the middle and both ends of each overlap, of both \
            images at the same pixels. Steps are also told as a share of those within five pixels \
            beside them, with the standard error over the lines: what makes a whole tile smoother \
            or sharper is no seam. A seam that cannot be found adds at most 1 % to that share, or \
            no more than twice its error. Exits with 1 where it can be found, with 65 or 66 for an \
            image that cannot be read.

            Tiles of other sizes make the whole image smoother or sharper. So let the second run \
            have the same windows at other places: restore two regions of one size with dip-coord \
            --region, name the first one here too, and their common part with --within.
            """)

    @Argument(help: "The clean image.", completion: .file())
    var clean: String

    @Argument(help: "The restored image.", completion: .file())
    var first: String

    @Argument(help: "The same one restored with another --tile.", completion: .file())
    var second: String

    @Option(help: "The --tile of the first run.")
    var tile: Int

    @Option(help: "Its --overlap.")
    var overlap: Int

    @Option(help: "Its --preset.", completion: .list(NetworkPreset.allCases.map(\.rawValue)))
    var preset = "balanced"

    @Option(help: ArgumentHelp("The --region of the first run.", valueName: "x,y,w,h"))
    var region: String?

    @Option(help: ArgumentHelp("Look here only.", valueName: "x,y,w,h"))
    var within: String?

    @Flag(help: "Print JSON.")
    var json = false

    struct Measurement: Encodable {
        let overlapPixelCount, lineCount: Int
        /// In the overlaps of the first run, in dB.
        let firstPSNR, secondPSNR: Double
        /// Across the seam lines of the first run, of 255.
        let firstStep, secondStep: Double
        /// Of the steps beside them, and the standard error of the quotient of both.
        let firstShare, secondShare, shareError: Double
        let cannotBeFound: Bool
    }

    func run() throws {
        try reportingErrors {
            let measurement = try measure()
            if json {
                try printJSON(measurement)
            } else {
                show(measurement)
            }
            if !measurement.cannotBeFound { throw ExitCode(1) }
        }
    }

    private func measure() throws -> Measurement {
        let images = try [clean, first, second].map(Pixels.init)
        guard images.allSatisfy({ $0.hasSize(of: images[0]) }) else {
            throw FitError.invalid(
                "\(clean), \(first) and \(second) must have one size and the same bands")
        }
        let configuration = try Preset(nameOrFile: preset).configuration
        let restored = try part(region, "--region", of: images[0])
        let seen = try part(within, "--within", of: images[0])
        let plan = try TilePlan(
            width: restored.width, height: restored.height, tile: tile, overlap: overlap,
            alignment: configuration.alignment, minimum: configuration.minimumSide)
        let across = Axis(
            plan.columns.map { $0 + restored.x }, window: plan.windowWidth,
            within: seen.x..<seen.x + seen.width)
        let down = Axis(
            plan.rows.map { $0 + restored.y }, window: plan.windowHeight,
            within: seen.y..<seen.y + seen.height)
        guard !(across.overlaps + down.overlaps).isEmpty else {
            throw FitError.invalid("tiles do not overlap there: there are no seams")
        }
        let psnr = (1...2).map { images[$0].psnr(images[0], across, down) }
        let steps = (1...2).map { images[$0].steps(across, down) }
        let shares = steps.map { $0.map { $0.atLine / $0.beside } }
        let quotients = zip(shares[0], shares[1]).map { $0 / $1 }
        let error = deviation(quotients) / Double(quotients.count).squareRoot()
        let quotient = mean(quotients)
        return Measurement(
            overlapPixelCount: psnr[0].count, lineCount: across.lines.count + down.lines.count,
            firstPSNR: psnr[0].value, secondPSNR: psnr[1].value,
            firstStep: mean(steps[0].map(\.atLine)) * 255,
            secondStep: mean(steps[1].map(\.atLine)) * 255, firstShare: mean(shares[0]),
            secondShare: mean(shares[1]), shareError: error,
            cannotBeFound: quotient <= 1 + max(0.01, 2 * error))
    }

    private func mean(_ values: [Double]) -> Double {
        values.reduce(0, +) / Double(max(values.count, 1))
    }

    private func deviation(_ values: [Double]) -> Double {
        let center = mean(values)
        let squares = values.map { ($0 - center) * ($0 - center) }.reduce(0, +)
        return (squares / Double(max(values.count - 1, 1))).squareRoot()
    }

    /// What an option of the form x,y,w,h says; the whole image without it.
    private func part(_ text: String?, _ name: String, of image: Pixels) throws -> PixelRegion {
        guard let text else {
            return PixelRegion(x: 0, y: 0, width: image.width, height: image.height)
        }
        let numbers = text.split(separator: ",").compactMap { Int($0) }
        guard numbers.count == 4 else {
            throw FitError.invalid("\(name) is \(text); x,y,w,h is wanted")
        }
        let part = PixelRegion(
            x: numbers[0], y: numbers[1], width: numbers[2], height: numbers[3])
        guard part.isInside(width: image.width, height: image.height) else {
            throw FitError.invalid(
                "\(name) is \(text), but the image has \(image.width) x \(image.height) pixels")
        }
        return part
    }

    private func show(_ measurement: Measurement) {
        func text(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }
        print(
            """
            pixels in overlaps   \(measurement.overlapPixelCount)
            PSNR there           \(text(measurement.firstPSNR)) dB; the other run \
            \(text(measurement.secondPSNR)) dB
            step across seams    \(text(measurement.firstStep)) of 255; the other run \
            \(text(measurement.secondStep)), at \(measurement.lineCount) lines
            of those beside them \(text(measurement.firstShare)); the other run \
            \(text(measurement.secondShare)); error \(text(measurement.shareError))
            seams                \(measurement.cannotBeFound ? "cannot" : "CAN") be found
            """)
    }
}

/// The overlaps of windows along one axis.
private struct Axis {
    let overlaps: [Range<Int>]
    /// What is looked at.
    let places: Range<Int>

    init(_ starts: [Int], window: Int, within places: Range<Int>) {
        self.places = places
        overlaps = zip(starts, starts.dropFirst()).compactMap { former, next in
            next < former + window ? next..<former + window : nil
        }
    }

    /// Pixels whose step from the one before crosses an end or the middle of an overlap.
    var lines: [Int] {
        overlaps.flatMap { [$0.lowerBound, ($0.lowerBound + $0.upperBound) / 2, $0.upperBound] }
            .filter { $0 > places.lowerBound && $0 < places.upperBound }
    }

    func contains(_ place: Int) -> Bool { overlaps.contains { $0.contains(place) } }
}

/// A whole image as numbers in [0, 1].
private struct Pixels {
    let width, height, bands: Int
    private let values: [Float]

    init(_ path: String) throws {
        let source = try ImageFormats.open(path)
        let header = source.header
        (width, height, bands) = (header.width, header.height, header.colorBands)
        var values = [Float](repeating: 0, count: width * height * bands)
        try values.withUnsafeMutableBufferPointer {
            try source.readColor(
                PixelRegion(x: 0, y: 0, width: header.width, height: header.height), into: $0)
        }
        self.values = values
    }

    func hasSize(of other: Pixels) -> Bool {
        (width, height, bands) == (other.width, other.height, other.bands)
    }

    /// PSNR to another image over the pixels that lie in an overlap, and how many these are.
    func psnr(_ other: Pixels, _ across: Axis, _ down: Axis) -> (value: Double, count: Int) {
        let columns = (0..<width).map(across.contains)
        var (sum, count) = (0.0, 0)
        for y in down.places {
            let isWhole = down.contains(y)
            for x in across.places where isWhole || columns[x] {
                count += 1
                for index in (y * width + x) * bands..<(y * width + x + 1) * bands {
                    let difference = Double(values[index] - other.values[index])
                    sum += difference * difference
                }
            }
        }
        let mean = sum / Double(count * bands)
        return (ImageQuality.psnr(meanSquaredError: mean), count)
    }

    /// For each seam line, the mean absolute difference of samples on both sides of it, and of
    /// those at the lines within five pixels of it.
    func steps(_ across: Axis, _ down: Axis) -> [(atLine: Double, beside: Double)] {
        func step(_ line: Int, isColumn: Bool) -> Double {
            let places = isColumn ? down.places : across.places
            var sum = 0.0
            for place in places {
                let index = isColumn ? place * width + line : line * width + place
                let before = isColumn ? index - 1 : index - width
                for band in 0..<bands {
                    sum += Double(abs(values[index * bands + band] - values[before * bands + band]))
                }
            }
            return sum / Double(places.count * bands)
        }
        func measure(_ axis: Axis, isColumn: Bool) -> [(atLine: Double, beside: Double)] {
            axis.lines.map { line in
                let near = (line - 5...line + 5).filter {
                    $0 != line && $0 > axis.places.lowerBound && $0 < axis.places.upperBound
                }
                let beside = near.map { step($0, isColumn: isColumn) }.reduce(0, +)
                return (step(line, isColumn: isColumn), beside / Double(max(near.count, 1)))
            }
        }
        return measure(across, isColumn: true) + measure(down, isColumn: false)
    }
}
