// A preset as a file that a user writes: fields over a base.

import FoundationEssentials
import JSON

#if canImport(Glibc)
    import Glibc
#endif

extension Preset {
    /// The most bytes that a preset's file may have.
    private static let fileByteCountMaximum = 1 << 20

    /// Fields of a configuration that the program sets, by the option that they belong to.
    private static let setElsewhere = [
        "task": "--task", "photonScale": "--counts-per-value",
        "photonOffset": "--counts-per-value", "start": "--start-from",
        "givesWeights": "--save-start", "factor": "--factor", "measuresStop": "--stop",
        "stopRule": "--stop-rule", "noiseDeviation": "--sigma",
    ]
    /// Fields that follow from the task, are measured in the image, or are found by pilots, unless
    /// a file says them.
    private static let found = [
        "coarseScale", "detailNoise", "input", "inputChannels", "iterations", "maskedRadius",
        "masksPixels",
    ]

    /// Reads a preset: an object with any of the configuration's fields, `tile` and `overlap` in
    /// pixels, `restarts`, and in `base` the name of the preset that has the others (default:
    /// balanced).
    ///
    /// - Parameters:
    ///   - name: What errors and the preset are called by.
    ///   - factor: of the task `upscale`.
    /// - Throws: `FitError.invalid`, naming file and field, for a field that is not known, of
    ///   another kind or out of its range.
    public init(json: String, name: String, factor: Int = 1) throws(FitError) {
        do throws(FitError) {
            try self.init(json: json, factor: factor)
            self.name = name
        } catch .invalid(let sentence) {
            throw .invalid("\(name): \(sentence)")
        }
    }

    private init(json: String, factor: Int) throws(FitError) {
        guard let value = JSONValue(parsing: json) else { throw .invalid("it is no JSON") }
        guard case .object(var fields) = value else {
            throw .invalid("it is no JSON object, which a preset is")
        }
        try self.init(base: fields.removeValue(forKey: "base"), factor: factor)
        if let value = fields.removeValue(forKey: "tile") {
            tiling.tile = try Self.length(value, "tile")
        }
        if let value = fields.removeValue(forKey: "overlap") {
            tiling.overlap = try Self.length(value, "overlap")
        }
        try tiling.validate()
        if let value = fields.removeValue(forKey: "restarts") {
            guard case .integer(let count) = value, Self.restartsRange.contains(count) else {
                throw .invalid(
                    "\"restarts\" is \(value.text); 1 to \(Self.restartsRange.upperBound) is wanted"
                )
            }
            restarts = count
        }
        guard case .object(var merged)? = JSONValue(parsing: configuration.json) else { return }
        for (field, value) in fields.sorted(by: { $0.key < $1.key }) {
            if let option = Self.setElsewhere[field] {
                throw .invalid("\"\(field)\" is no field of a preset; \(option) says it")
            }
            guard merged[field] != nil else {
                throw .invalid("there is no field \"\(field)\" in a preset")
            }
            merged[field] = value
            // One after the other: not every error of decoding says where it was.
            configuration = try FitConfiguration(decoding: JSONValue.object(merged).text, field)
        }
        try configuration.validate()
        ownFields = Set(fields.keys)
    }

    private init(base: JSONValue?, factor: Int) throws(FitError) {
        switch base {
        case nil: self.init(.balanced, factor: factor)
        case .string(let name)?:
            guard let named = NetworkPreset(rawValue: name) else {
                let known = NetworkPreset.allCases.map(\.rawValue).joined(separator: ", ")
                throw .invalid("base is \"\(name)\"; known are: \(known)")
            }
            self.init(named, factor: factor)
        default: throw .invalid("\"base\" has a value of another kind; a preset's name is wanted")
        }
    }

    private static func length(_ value: JSONValue, _ field: String) throws(FitError) -> Int {
        guard case .integer(let pixels) = value else {
            throw .invalid("\"\(field)\" has a value of another kind; whole pixels are wanted")
        }
        return pixels
    }

    /// The preset as a file that a user can start from: one line a field, but for those that are
    /// found for one of ours.
    public var fileText: String {
        guard case .object(var fields)? = JSONValue(parsing: configuration.json) else { return "" }
        for field in Self.setElsewhere.keys { fields[field] = nil }
        if isOurs { for field in Self.found { fields[field] = nil } }
        let rest = fields.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        let lines =
            [
                ("base", NetworkPreset(rawValue: name).map { JSONValue.string($0.rawValue) }),
                ("tile", JSONValue.integer(tiling.tile)),
                ("overlap", JSONValue.integer(tiling.overlap)),
                ("restarts", JSONValue.integer(restarts)),
            ] + rest
        return "{\n"
            + lines.compactMap { name, value in value.map { "  \"\(name)\": \($0.text)" } }
            .joined(separator: ",\n") + "\n}\n"
    }

    static func text(ofFile path: String) throws(FitError) -> String {
        guard let file = fopen(path, "re") else {
            throw .invalid("\(path) cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: fileByteCountMaximum + 1)
        let count = fread(&bytes, 1, bytes.count, file)
        guard ferror(file) == 0 else {
            throw .invalid("\(path) cannot be read: \(String(cString: strerror(errno)))")
        }
        guard count <= fileByteCountMaximum else {
            throw .invalid("\(path) is too large for a preset: 1 MiB is read at most")
        }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}
