// What is written, and how.

public import ArgumentParser
import Glibc
public import Imaging

extension TIFFCompression: ExpressibleByArgument {
    /// In upper and lower case alike.
    public init?(argument: String) {
        let name = argument.lowercased()
        guard let match = Self.allCases.first(where: { $0.rawValue.lowercased() == name }) else {
            return nil
        }
        self = match
    }
}

/// Whether two paths mean the same file, of which none need be there yet.
func nameSameFile(_ one: String, _ other: String) -> Bool {
    let places = [one, other].map { path in
        let slash = path.lastIndex(of: "/")
        let name = slash.map { path[path.index(after: $0)...] } ?? path[...]
        guard let folder = realpath(slash.map { String(path[...$0]) } ?? ".", nil) else {
            return path
        }
        defer { free(folder) }
        return "\(String(cString: folder))/\(name)"
    }
    return places[0] == places[1] || ImageFormats.areSameFile(one, other)
}

enum NodataChoice: String, ExpressibleByArgument, CaseIterable { case keep, fill }

struct OutputOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            """
            The restored image, PNG, TIFF or JPEG by its extension. (default: \
            NAME.restored.EXTENSION beside the input)
            """, valueName: "file"),
        completion: .file())
    var output: String?

    @Option(
        help: ArgumentHelp(
            """
            How a TIFF is compressed, without loss: none, lzw, deflate, zstd or packBits. \
            (default: as the input is, deflate where that is JPEG or no TIFF)
            """, valueName: "name"))
    var compression: TIFFCompression?

    @Flag(help: "With --region: the output is that part alone.")
    var crop = false

    @Option(
        help: ArgumentHelp(
            """
            What becomes of missing samples (not finite, or the file's nodata value), which no fit \
            sees: keep them bit for bit, or fill them with what the fit makes of their \
            surroundings. (default: keep; fill with --task inpaint)
            """, valueName: "keep|fill"))
    var nodata: NodataChoice?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            How much of the output is restored, 0 to 1; the rest is the input, whose grain and \
            noise it keeps in that share.
            """, valueName: "share"))
    var strength = 1.0

    @OptionGroup
    var maps: MapOptions

    @OptionGroup
    var report: ReportOptions

    @Option(
        name: .customLong("quality"), parsing: .unconditional,
        help: ArgumentHelp(
            """
            How finely a JPEG is written, which loses something at every value; 1 to 100. From 90 \
            on, colours have the full resolution. (default: 95)
            """, valueName: "number"))
    var givenQuality: Int?

    /// Of a JPEG, 1 to 100.
    var quality: Int { givenQuality ?? 95 }

    @Flag(
        help: """
            Write a TIFF in tiles with smaller copies of the image (overviews), for viewers of \
            large images.
            """)
    var pyramid = false

    @Flag(help: "Replace the output if it exists.")
    var overwrite = false

    @Flag(name: .shortAndLong, help: "Print errors only.")
    var quiet = false

    @Flag(name: .shortAndLong, help: "Print what becomes of each worker.")
    var verbose = false

    func validate() throws {
        guard (1...100).contains(quality) else {
            throw ValidationError("--quality is \(quality); 1 to 100 is wanted")
        }
        guard (0...1).contains(strength) else {
            throw ValidationError("--strength is \(strength); 0 to 1 is wanted")
        }
    }

    /// big.tif becomes big.restored.tif.
    func path(forInput input: String) -> String {
        if let output { return output }
        let nameStart = input.lastIndex(of: "/").map(input.index(after:)) ?? input.startIndex
        guard let dot = input[nameStart...].lastIndex(of: "."), dot > nameStart else {
            return input + ".restored"
        }
        return "\(input[..<dot]).restored\(input[dot...])"
    }

    /// - Throws: where an option is for a format that the output does not have.
    func checkFormat(forInput input: String) throws {
        let path = path(forInput: input)
        guard let format = ImageFormats.format(ofOutput: path) else { return }
        let options: [(name: String, isGiven: Bool, wanted: ImageFormat)] = [
            ("--compression", compression != nil, .tiff),
            ("--quality", givenQuality != nil, .jpeg),
        ]
        if let stray = options.first(where: { $0.isGiven && $0.wanted != format }) {
            throw ValidationError(
                "\(stray.name) is for a \(stray.wanted), but the output \(path) is a \(format)")
        }
    }
}
