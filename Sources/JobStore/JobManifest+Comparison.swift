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

        public var description: String {
            "\(field) is \(stored) in the folder, but \(wanted) is asked for"
        }
    }

    /// The first fact that decides about pixels and is not the same in both; nil when the wanted
    /// job can go on with this one's tiles. Where things lie and when they were made, but for the
    /// input's own time, does not count.
    ///
    /// - Parameter wanted: The job that is asked for.
    public func difference(from wanted: JobManifest) -> Difference? {
        // Before the iterations, which follow from it.
        firstDifference([
            ("stop", settings["stop"] ?? "not set", wanted.settings["stop"] ?? "not set")
        ])
            ?? configurationDifference(from: wanted)
            ?? firstDifference([
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
            ?? firstDifference(
                Set(settings.keys).union(wanted.settings.keys).sorted().map {
                    ($0, settings[$0] ?? "not set", wanted.settings[$0] ?? "not set")
                })
    }

    private func firstDifference(
        _ facts: [(field: String, stored: String, wanted: String)]
    ) -> Difference? {
        facts.first { $0.stored != $0.wanted }
            .map { Difference(field: $0.field, stored: $0.stored, wanted: $0.wanted) }
    }

    /// Compares the configurations field by field.
    private func configurationDifference(from wanted: JobManifest) -> Difference? {
        guard configuration != wanted.configuration else { return nil }
        if let other = firstDifference([("preset", preset, wanted.preset)]) { return other }
        let stored = JSONValue.fields(of: configuration)
        let asked = JSONValue.fields(of: wanted.configuration)
        let fields = Set(stored.keys).union(asked.keys).sorted()
        return firstDifference(
            fields.map { ($0, stored[$0] ?? "not set", asked[$0] ?? "not set") })
    }

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
