// How the input is read: which page, with how much memory, and which of its values are 0 and 1.

public import ArgumentParser
public import Imaging

extension TIFFCompression: ExpressibleByArgument {}

/// What `--range` asks for.
enum RangeChoice: ExpressibleByArgument {
    case auto, type
    case values(ValueRange)

    init?(argument: String) {
        switch argument {
        case "auto": self = .auto
        case "type": self = .type
        default:
            let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
            guard parts.count == 2, let low = Double(parts[0]), let high = Double(parts[1]),
                low.isFinite, high.isFinite, low < high
            else { return nil }
            self = .values(ValueRange(low: low, high: high))
        }
    }
}

/// What `--page` asks for.
enum PageChoice: Equatable, ExpressibleByArgument {
    /// From 1.
    case number(Int)
    case all

    init?(argument: String) {
        if argument == "all" {
            self = .all
        } else if let number = Int(argument) {
            self = .number(number)
        } else {
            return nil
        }
    }

    var defaultValueDescription: String { "1" }
}

struct InputOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            The values that a fit sees as 0 and 1: auto, type or LOW,HIGH. type is all that the \
            samples can hold, 0 to 1 for floating point; auto is that for 8 bits, and else what \
            the image holds, with room on both sides. (default: auto)
            """, valueName: "range"))
    var range: RangeChoice?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            The page of a TIFF with several; 1 to 65535, or all: each is restored as a job of its \
            own, and a TIFF of all of them is made at the end.
            """, valueName: "number"))
    var page = PageChoice.number(1)

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            Memory for decoded pixels of the input, in MB; 16 to 1000000. A larger image is read \
            piece by piece, where its format can, or through a scratch file in TMPDIR.
            """, valueName: "megabytes"))
    var cache = 128

    /// Whether the other pages are restored too; no option.
    var isOneOfAllPages = false

    private enum CodingKeys: CodingKey { case range, page, cache }

    func validate() throws {
        if case .number(let number) = page, !(1...65535).contains(number) {
            throw ValidationError("--page is \(number); 1 to 65535 or all is wanted")
        }
        guard (16...1_000_000).contains(cache) else {
            throw ValidationError("--cache is \(cache); 16 to 1000000 MB are wanted")
        }
    }

    /// Opens an image and decides about its values.
    func open(_ file: String) throws -> any ImageSource {
        var options = ReadingOptions()
        options.cacheByteCount = cache << 20
        guard case .number(let number) = page else {
            throw ProgramError(.usage, "--page all is for a restoration; choose one with --page N")
        }
        options.page = number - 1
        options.isOneOfAllPages = isOneOfAllPages
        let source = try ImageFormats.open(file, options)
        let bands = source.header.colorBands
        guard bands <= 16 else {
            throw ProgramError(
                .badInput, "\(file) has \(bands) bands; at most 16 can be restored together")
        }
        switch range ?? .auto {
        case .type: break
        case .values(let values): source.header.values = values
        case .auto:
            guard source.header.sampleType.byteCount > 1 else { break }
            if let measured = try source.measuredRange() { source.header.values = measured }
        }
        return source
    }
}
