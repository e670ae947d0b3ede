// What is restored: noise everywhere, or pixels that are missing.

public import ArgumentParser
public import DeepImagePrior
import Imaging

extension Task: ExpressibleByArgument {}

struct TaskOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            What is wrong with the image: noise (denoise), or that pixels are missing (inpaint), \
            which --missing or --known tells, or the samples themselves (nodata, NaN). Known \
            pixels stay bit for bit; in a JPEG, as it can hold them.
            """, valueName: "name"))
    var task = Task.denoise

    @Option(
        help: ArgumentHelp(
            """
            With --task inpaint: a black and white image of the input's size, in which white is \
            missing; or alpha, where the pixels with alpha 0 are missing, which become opaque.
            """, valueName: "mask|alpha"))
    var missing: String?

    @Option(
        help: ArgumentHelp(
            "With --task inpaint: such an image, in which white is known.", valueName: "mask"))
    var known: String?

    @Flag(
        help: """
            With --task inpaint: known pixels become what the fit makes of them too, as they do \
            when noise is removed.
            """)
    var refitKnown = false

    /// nil where there is none.
    private var maskFile: String? { missing == "alpha" ? nil : missing ?? known }

    func validate() throws {
        guard missing == nil || known == nil else {
            throw ValidationError(
                "--missing and --known exclude each other: choose one, by what is white in the mask"
            )
        }
        guard task != .inpaint else { return }
        let stray = [
            missing.map { _ in "--missing" }, known.map { _ in "--known" },
            refitKnown ? "--refit-known" : nil,
        ].compactMap { $0 }.first
        if let stray {
            throw ValidationError("\(stray) is given without --task inpaint, which it is for")
        }
    }

    /// - Throws: where a file that is to be written is the mask.
    func checkIsNotMask(_ output: String) throws {
        guard let maskFile, ImageFormats.areSameFile(output, maskFile) else { return }
        throw ProgramError(
            .unwritable, "the output \(output) is the mask itself; choose another output")
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
