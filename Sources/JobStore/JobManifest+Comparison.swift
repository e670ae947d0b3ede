// Whether a folder's job is the one that is asked for.

internal import FoundationEssentials
internal import JSON

extension JobManifest {
    /// A fact in which the job of a folder and the one that is asked for differ, in words.
    public struct Difference: Equatable, Sendable, CustomStringConvertible {
        public let field: String
        /// In the folder.
        public let stored: String
        /// Asked for.
        public let wanted: String

        /// nil where both are the same.
        init?(_ field: String, _ stored: String?, _ wanted: String?) {
            guard stored != wanted else { return nil }
            let told = { (value: String?) in value.map { $0.isEmpty ? "none" : $0 } ?? "not set" }
            (self.field, self.stored, self.wanted) = (field, told(stored), told(wanted))
        }

        public var description: String {
            "\(field) is \(stored) in the folder, but \(wanted) is asked for"
        }
    }

    /// The first fact that decides about pixels and is not the same in both; nil when the wanted
    /// job can go on with this one's tiles. Where things lie and when they were made, but for the
    /// input's own time, does not count. What a user has said comes before what follows from it.
    ///
    /// - Parameters:
    ///   - wanted: The job that is asked for.
    ///   - undecided: Fields of its configuration that are not known yet, and are not compared.
    public func difference(from wanted: JobManifest, undecided: Set<String> = []) -> Difference? {
        let fields = configurationDifferences(from: wanted, undecided: undecided)
        if !fields.isEmpty, preset != wanted.preset {
            return Difference("preset", preset, wanted.preset)
        }
        // Iterations follow from it.
        let stop = Difference("stop", settings["stop"], wanted.settings["stop"])
        return stop ?? fields.first { !Self.derivedFields.contains($0.field) }
            ?? factDifference(from: wanted)
            ?? Set(settings.keys).union(wanted.settings.keys).sorted().lazy
            .compactMap { Difference($0, settings[$0], wanted.settings[$0]) }.first
            ?? fields.first
    }

    /// Of the input, the image and the plan.
    private func factDifference(from wanted: JobManifest) -> Difference? {
        firstDifference([
            ("the size of the input", bytes(input.byteCount), bytes(wanted.input.byteCount)),
            (
                "the modification time of the input", time(input.modificationTime),
                time(wanted.input.modificationTime)
            ),
            (
                "the checksum of the input's first MiB", hexadecimal(input.headChecksum),
                hexadecimal(wanted.input.headChecksum)
            ),
            (
                "the checksum of the input's last MiB", hexadecimal(input.tailChecksum),
                hexadecimal(wanted.input.tailChecksum)
            ),
            ("the size of the image", size(image), size(wanted.image)),
            ("the image's kind", kind(image), kind(wanted.image)),
            ("range", image.values ?? "unknown", wanted.image.values ?? "unknown"),
            (
                "the checksum of the input's header", hexadecimal(image.headerChecksum),
                hexadecimal(wanted.image.headerChecksum)
            ),
            ("tile", "\(plan.tile)", "\(wanted.plan.tile)"),
            ("overlap", "\(plan.overlap)", "\(wanted.plan.overlap)"),
            ("the size of the windows", windows(plan), windows(wanted.plan)),
            ("the columns of tiles", "\(plan.columns)", "\(wanted.plan.columns)"),
            ("the rows of tiles", "\(plan.rows)", "\(wanted.plan.rows)"),
            ("restarts", "\(plan.restarts ?? 1)", "\(wanted.plan.restarts ?? 1)"),
        ])
    }

    private func firstDifference(
        _ facts: [(field: String, stored: String, wanted: String)]
    ) -> Difference? {
        facts.lazy.compactMap { Difference($0.field, $0.stored, $0.wanted) }.first
    }

    /// The fields in which the configurations differ.
    private func configurationDifferences(
        from wanted: JobManifest, undecided: Set<String>
    ) -> [Difference] {
        guard configuration != wanted.configuration else { return [] }
        let stored = JSONValue.fields(of: configuration)
        let asked = JSONValue.fields(of: wanted.configuration)
        let fields = Set(stored.keys).union(asked.keys).subtracting(undecided).sorted()
        return fields.compactMap { Difference($0, stored[$0], asked[$0]) }
    }

    /// Of the configuration: what follows from the picture and the tiles, and what a phase before
    /// the job comes to.
    private static let derivedFields: Set<String> = [
        "coarseScale", "detailNoise", "maskedRadius", "masksPixels", "start",
    ]

    private func bytes(_ count: Int) -> String { "\(count) bytes" }

    private func hexadecimal(_ checksum: UInt32) -> String { String(checksum, radix: 16) }

    private func size(_ image: Image) -> String { "\(image.width) x \(image.height)" }

    private func kind(_ image: Image) -> String { "\(image.bands) bands of \(image.sampleType)" }

    private func windows(_ plan: Plan) -> String { "\(plan.windowWidth) x \(plan.windowHeight)" }

    /// In UTC, with all digits: a copy may be a fraction of a second younger.
    private func time(_ nanoseconds: Int64) -> String {
        let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        let date = Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
        let digits = String(rest.magnitude)
        let fraction = String(repeating: "0", count: 9 - digits.count) + digits
        return date.replacing("Z", with: ".\(fraction)Z")
    }
}

extension JSONValue {
    /// The fields of a JSON object as text; text that is none is one field.
    static func fields(of text: String) -> [String: String] {
        guard case .object(let fields)? = JSONValue(parsing: text) else {
            return ["the configuration": text]
        }
        return fields.mapValues(\.description)
    }
}
