// How the input is read: which page, with how much memory, and which of its values are 0 and 1.

import ArgumentParser
import DeepImagePrior
import Imaging

/// What `--range` asks for.
enum RangeChoice: OptionValue {
    case auto, type
    case values(ValueRange)

    static let wanted = "auto, type or LOW,HIGH is wanted, of which LOW is less"

    init?(argument: String) {
        switch argument {
        case "auto": self = .auto
        case "type": self = .type
        default:
            let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
            guard parts.count == 2, let low = Double(parts[0]), let high = Double(parts[1]),
                low < high, (high - low).isFinite
            else { return nil }
            self = .values(ValueRange(low: low, high: high))
        }
    }
}

/// What `--region` asks for.
struct RegionChoice: OptionValue {
    let region: PixelRegion

    static let wanted = "X,Y,WIDTH,HEIGHT in whole pixels is wanted"

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { Int($0) }
        guard parts.count == 4, numbers.count == 4 else { return nil }
        region = PixelRegion(x: numbers[0], y: numbers[1], width: numbers[2], height: numbers[3])
    }
}

/// What `--page` asks for.
enum PageChoice: OptionValue {
    /// The first that is neither a smaller copy nor a mask, where none is asked for.
    case first
    /// From 1.
    case number(Int)
    case all
    /// One, while the others are restored too, as jobs of their own.
    case oneOfAll(Int)

    static let wanted = "1 to 65535, or all, is wanted"

    /// From 1; nil for all.
    var number: Int? {
        switch self {
        case .first: 1
        case .number(let number), .oneOfAll(let number): number
        case .all: nil
        }
    }

    init?(argument: String) {
        if argument == "all" {
            self = .all
        } else {
            guard let number = Int(argument), (1...65535).contains(number) else { return nil }
            self = .number(number)
        }
    }
}

struct InputOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            Restore only this part: column and row of its first pixel, from 0, and its width and \
            height, as the pixels are stored, whatever an orientation tag says. Everything else is \
            copied as it is (see --crop).
            """, valueName: "x,y,w,h"),
        transform: RegionChoice.parse)
    var region: RegionChoice?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            The values that a fit sees as 0 and 1: auto, type or LOW,HIGH. type is all that the \
            samples can hold, 0 to 1 for floating point; auto is that for 8 bits, and else what \
            the image holds, with room on both sides. Values outside become LOW or HIGH. (default: \
            auto)
            """, valueName: "range"),
        completion: .list(["auto", "type"]), transform: RangeChoice.parse)
    var range: RangeChoice?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            The page of a TIFF with several, 1 to 65535; or all, which may differ in size and kind \
            and become the pages of the output, a TIFF too. (default: the first that is neither a \
            thumbnail nor a mask)
            """, valueName: "number|all"),
        completion: .list(["all"]), transform: PageChoice.parse)
    var page = PageChoice.first

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            Memory for decoded pixels of the input, in MB; 16 to 1000000. A larger image is read \
            piece by piece, where its format can, or through a scratch file in TMPDIR. A mask \
            or guide may have as much.
            """, valueName: "megabytes"))
    var cache = 128

    func validate() throws {
        guard (16...1_000_000).contains(cache) else {
            throw ValidationError("--cache is \(cache); 16 to 1000000 MB are wanted")
        }
    }

    /// The part of an image that is to be restored; nil for all of it.
    func part(of file: String, _ header: ImageHeader) throws -> PixelRegion? {
        guard let region = region?.region else { return nil }
        guard region.isInside(width: header.width, height: header.height) else {
            throw ProgramError(
                .usage,
                "--region is \(region.words), but \(file) has \(header.width) x \(header.height) "
                    + "pixels")
        }
        return region
    }

    /// Opens the guide of an image; nil where none is given.
    func guide(of header: ImageHeader, _ task: TaskOptions) throws -> Guide? {
        try task.guide.map { try Guide($0, of: header, cacheByteCount: cache << 20) }
    }

    /// Opens an image with its mask, if there is one, and decides about its values.
    func open(_ file: String, _ task: TaskOptions) throws -> any ImageSource {
        let source = try openAsItIs(file, task)
        switch range ?? .auto {
        case .type: break
        case .values(let values): source.header.values = values
        case .auto:
            guard source.header.sampleType.byteCount > 1 else { break }
            if let measured = try source.measuredRange() { source.header.values = measured }
        }
        return source
    }

    /// Opens an image with its mask whose values have been decided about.
    func open(
        _ file: String, _ task: TaskOptions, values: ValueRange
    ) throws -> any ImageSource {
        let source = try openAsItIs(file, task)
        source.header.values = values
        return source
    }

    private func openAsItIs(_ file: String, _ task: TaskOptions) throws -> any ImageSource {
        var options = ReadingOptions()
        options.cacheByteCount = cache << 20
        switch page {
        case .number(let number): options.page = number - 1
        case .oneOfAll(let number):
            options.page = number - 1
            options.isOneOfAllPages = true
        case .first, .all: break
        }
        var source = try ImageFormats.open(file, options)
        let bands = source.header.colorBands
        guard bands <= FitProblem.bandCountMaximum else {
            throw ProgramError(
                .badInput,
                "\(file) has \(bands) bands; at most \(FitProblem.bandCountMaximum) can be "
                    + "restored together")
        }
        options.page = nil
        if let mask = try task.mask(of: source, file: file, options) {
            source = MaskedSource(source, mask)
        }
        return source
    }
}

extension PixelRegion {
    /// As in `--region`.
    var words: String { "\(x),\(y),\(width),\(height)" }
}
