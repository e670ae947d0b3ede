// Rounds of both programs, and what came of them.

import FoundationEssentials
import Glibc
import Imaging

struct BlendMeasurement {
    /// How a program copies a TIFF with a compression.
    static let programs: [String: @Sendable (String, String, String) -> [String]] = [
        "vips": { input, output, compression in
            let predictor = compression == "none" ? "" : ",predictor=horizontal"
            return ["copy", input, "\(output)[compression=\(compression)\(predictor),bigtiff]"]
        },
        "gdal_translate": { input, output, compression in
            ["-q", "-co", "COMPRESS=\(compression.uppercased())", "-co", "BIGTIFF=IF_SAFER"]
                + (compression == "none" ? [] : ["-co", "PREDICTOR=2"]) + [input, output]
        },
    ]

    let picture: TestPicture
    let input: String
    let compression: String
    let against: String
    let folder: String
    let options: [String]
    private var paths: [(cost: PathCost, run: ChildRun)] = []
    private var copies: [(run: ChildRun, syncSeconds: Double)] = []
    private var inputByteCount = 0
    private var isOutputEqual = true

    /// - Parameter input: Where the image lies or is made to lie; nil for the folder.
    init(
        picture: TestPicture, input: String?, compression: String, against: String,
        folder: String, options: [String]
    ) {
        self.picture = picture
        self.input = input ?? "\(folder)/in.tif"
        self.compression = compression
        self.against = against
        self.folder = folder
        self.options = options
    }

    private var output: String { "\(folder)/out.tif" }
    private var copy: String { "\(folder)/copy.tif" }

    mutating func run(rounds: Int) throws {
        guard mkdir(folder, 0o777) == 0 else {
            throw ImageError(.unwritable, "\(folder): \(String(cString: strerror(errno)))")
        }
        if access(input, F_OK) != 0 {
            try picture.write(input, compression: TIFFCompression(rawValue: compression) ?? .none)
        }
        inputByteCount = byteCount(input)
        let header = try ImageFormats.open(input).header
        guard header.width == picture.width, header.height == picture.height,
            header.pixelByteCount == picture.bands
        else {
            throw InputError(
                description: "\(input) is \(header.kind); --size and --bands say otherwise")
        }
        let copies = against != "none" && isInstalled(against)
        if !copies, against != "none" {
            report("\(against) is not installed; nothing to compare with")
        }
        readOnce(input)
        for round in 0..<rounds {
            try runPath()
            if round == 0 {
                isOutputEqual = try firstDifferentRow(input, output) == nil
            }
            remove(["out.tif", "out.tif.dip"])
            guard copies else { continue }
            try runCopy()
            remove(["copy.tif"])
        }
    }

    private mutating func runPath() throws {
        let run = try ChildRun(
            "/proc/self/exe", ["blend", "--input", input, "--output", output] + options,
            output: "\(folder)/cost.json")
        let cost = try JSONDecoder().decode(
            PathCost.self, from: Data(try readFile("\(folder)/cost.json")))
        paths.append((cost, run))
    }

    private mutating func runCopy() throws {
        guard let arguments = Self.programs[against] else { return }
        let run = try ChildRun(
            against, arguments(input, copy, compression), output: "\(folder)/copy.log")
        let clock = ContinuousClock()
        let start = clock.now
        let descriptor = open(copy, O_RDONLY)
        fsync(descriptor)
        close(descriptor)
        copies.append((run, (clock.now - start) / .seconds(1)))
    }

    /// Brings a file into memory where it fits, so that it is no slower for who comes first.
    private func readOnce(_ path: String) {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { return }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        while Glibc.read(descriptor, &bytes, bytes.count) > 0 {}
        close(descriptor)
    }

    private func byteCount(_ path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }

    private func remove(_ names: [String]) {
        for name in names { try? FileManager.default.removeItem(atPath: "\(folder)/\(name)") }
    }

    func removeFiles() { try? FileManager.default.removeItem(atPath: folder) }

    var summary: BlendSummary {
        func middle(_ value: (PathCost) -> Double) -> Double {
            median(paths.map { value($0.cost) })
        }
        func phase(_ part: (PathCost) -> PhaseCost) -> PhaseCost {
            PhaseCost(
                seconds: middle { part($0).seconds }, cpuSeconds: middle { part($0).cpuSeconds })
        }
        return BlendSummary(
            width: picture.width, height: picture.height, bands: picture.bands,
            compression: compression, tileCount: paths.first?.cost.tileCount ?? 0,
            decodedByteCount: picture.width * picture.height * picture.bands,
            inputByteCount: inputByteCount,
            peakMemoryByteCount: paths.map(\.run.peakMemoryByteCount).max() ?? 0,
            tiles: phase(\.tiles), blend: phase(\.blend), seconds: middle(\.seconds),
            isOutputEqual: isOutputEqual,
            copy: copies.isEmpty
                ? nil
                : BlendSummary.Copy(
                    program: against, seconds: median(copies.map(\.run.seconds)),
                    syncedSeconds: median(copies.map { $0.run.seconds + $0.syncSeconds }),
                    cpuSeconds: median(copies.map(\.run.cpuSeconds)),
                    peakMemoryByteCount: copies.map(\.run.peakMemoryByteCount).max() ?? 0))
    }
}

/// Medians over the rounds, of memory the most.
struct BlendSummary: Encodable {
    struct Copy: Encodable {
        let program: String
        let seconds: Double
        /// Until the copy is on the disk, as ours is.
        let syncedSeconds: Double
        let cpuSeconds: Double
        let peakMemoryByteCount: Int
    }

    let width, height, bands: Int
    let compression: String
    let tileCount: Int
    let decodedByteCount: Int
    let inputByteCount: Int
    let peakMemoryByteCount: Int
    let tiles, blend: PhaseCost
    let seconds: Double
    let isOutputEqual: Bool
    let copy: Copy?

    /// Megabytes of decoded input a second.
    private func rate(_ seconds: Double) -> String {
        "\(rounded(Double(decodedByteCount) / 1e6 / max(seconds, 1e-9))) MB/s"
    }

    private func line(_ name: String, _ seconds: Double, cpu: Double?) -> String {
        "  " + padded(name, 14) + padded("\(rounded(seconds)) s", 10) + padded(rate(seconds), 14)
            + (cpu.map { "CPU \(rounded($0)) s" } ?? "")
    }

    var text: String {
        var lines = [
            "\(width) x \(height), \(bands) bands of 8 bits, \(compression), "
                + "\(decodedByteCount / 1_000_000) MB, \(inputByteCount / 1_000_000) MB as a file, "
                + "\(tileCount) tiles",
            "ours: peak memory \(peakMemoryByteCount / 1_000_000) MB",
            line("read, store", tiles.seconds, cpu: tiles.cpuSeconds),
            line("blend", blend.seconds, cpu: blend.cpuSeconds),
            line("all", seconds, cpu: tiles.cpuSeconds + blend.cpuSeconds),
        ]
        if let copy {
            lines += [
                "\(copy.program): peak memory \(copy.peakMemoryByteCount / 1_000_000) MB",
                line("copy", copy.seconds, cpu: copy.cpuSeconds),
                line("and synced", copy.syncedSeconds, cpu: nil),
            ]
        }
        return lines.joined(separator: "\n")
    }
}
