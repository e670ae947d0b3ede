// What is restored: noise everywhere, pixels that are missing, a size that is too small.

public import ArgumentParser
public import DeepImagePrior
import Imaging

extension Task: ExpressibleByArgument {}

struct TaskOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            What is wrong with the image: noise (denoise); what JPEG or another lossy compression \
            has left (dejpeg); that pixels are missing (inpaint), \
            which --missing or --known tells, or the samples themselves (nodata, NaN), while known \
            pixels stay bit for bit, in a JPEG as it can hold them; that it is too small \
            (upscale), by --factor; or noise, where another picture of the same place is clearer \
            (guided), which is the --guide.
            """, valueName: "name"))
    var task = Task.denoise

    @Option(
        help: ArgumentHelp(
            """
            With --task inpaint: a black and white image of the input's size, in which white is \
            missing; or alpha, where the pixels with alpha 0 are missing, which become opaque.
            """, valueName: "mask|alpha"),
        completion: .file())
    var missing: String?

    @Option(
        help: ArgumentHelp(
            "With --task inpaint: such an image, in which white is known.", valueName: "mask"),
        completion: .file())
    var known: String?

    @Flag(
        help: """
            With --task inpaint: known pixels become what the fit makes of them too, as they do \
            when noise is removed.
            """)
    var refitKnown = false

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            With --task upscale: how many times wider and higher the output is; 2, 3, 4 or 8. \
            Tiles are then counted in pixels of the output, a region in those of the input. \
            (default: 4)
            """, valueName: "number"),
        completion: .list(FitConfiguration.upscalingFactors.map(String.init)))
    var factor: Int?

    @Option(
        help: ArgumentHelp(
            """
            With --task guided: the clearer picture, of the input's size, such as one taken with a \
            flash; 1 to 256 bands. It is what the network is given in place of noise.
            """, valueName: "file"),
        completion: .file())
    var guide: String?

    /// Pixels of the output for each of the input, along both axes.
    var outputFactor: Int { task == .upscale ? factor ?? 4 : 1 }

    /// nil where there is none.
    private var maskFile: String? { missing == "alpha" ? nil : missing ?? known }

    func validate() throws {
        guard missing == nil || known == nil else {
            throw ValidationError(
                "--missing and --known exclude each other: choose one, by what is white in the mask"
            )
        }
        try Self.check(factor: factor)
        let options: [(name: String, isGiven: Bool, wanted: Task)] = [
            ("--missing", missing != nil, .inpaint), ("--known", known != nil, .inpaint),
            ("--refit-known", refitKnown, .inpaint), ("--factor", factor != nil, .upscale),
            ("--guide", guide != nil, .guided),
        ]
        if let stray = options.first(where: { $0.isGiven && $0.wanted != task }) {
            throw ValidationError(
                "\(stray.name) is given without --task \(stray.wanted.rawValue), which it is for")
        }
        guard task != .guided || guide != nil else {
            throw ValidationError("--task guided needs --guide, the clearer picture")
        }
    }

    static func check(factor: Int?) throws {
        let factors = FitConfiguration.upscalingFactors
        guard let factor, !factors.contains(factor) else { return }
        throw ValidationError(
            "--factor is \(factor); " + factors.dropLast().map { "\($0)" }.joined(separator: ", ")
                + " or \(factors.last ?? 0) is wanted")
    }

    /// The image in the output's size: itself, or enlarged without any fit.
    func enlarged(_ image: any ImageSource) throws(ImageError) -> any ImageSource {
        task == .upscale ? try EnlargedSource(image, factor: outputFactor) : image
    }

    /// - Throws: where a file that is to be written is the mask or the guide.
    func checkIsNotRead(_ output: String) throws {
        for (file, name) in [(maskFile, "mask"), (guide, "guide")] {
            guard let file, ImageFormats.areSameFile(output, file) else { continue }
            throw ProgramError(
                .unwritable, "the output \(output) is the \(name) itself; choose another output")
        }
    }

    /// Opens the mask of an image; nil where none is given.
    func mask(
        of image: any ImageSource, file: String, _ options: ReadingOptions
    ) throws -> PixelMask? {
        if missing == "alpha" {
            guard let mask = PixelMask(alphaOf: image, name: file) else {
                throw ProgramError(
                    .usage,
                    "--missing is alpha, but \(file) has none; a mask is wanted (a file of that "
                        + "name is ./alpha)")
            }
            return mask
        }
        guard let maskFile else { return nil }
        return try PixelMask(
            maskFile, known == nil ? .whiteIsMissing : .whiteIsKnown, of: image.header, options)
    }
}
