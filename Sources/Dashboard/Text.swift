// Numbers for people.

import FoundationEssentials

public enum Text {
    /// With so many digits behind the point.
    public static func fixed(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite, value.magnitude < 1e15 else {
            return value.isNaN ? "-" : (value < 0 ? "-inf" : "inf")
        }
        var scale = 1
        for _ in 0..<digits { scale *= 10 }
        let whole = Int((value * Double(scale)).rounded())
        let sign = whole < 0 ? "-" : ""
        guard digits > 0 else { return "\(whole)" }
        let fraction = String(whole.magnitude % UInt(scale))
        let zeros = String(repeating: "0", count: digits - fraction.count)
        return "\(sign)\(whole.magnitude / UInt(scale)).\(zeros)\(fraction)"
    }

    /// 42 s, 5 min 12 s, 3 h 20 min, 2 d 4 h.
    public static func time(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e12 else { return "a very long time" }
        let whole = Int(max(seconds, 0).rounded())
        switch whole {
        case ..<60: return "\(whole) s"
        case ..<3600: return "\(whole / 60) min \(whole % 60) s"
        case ..<86400: return "\(whole / 3600) h \(whole % 3600 / 60) min"
        default: return "\(whole / 86400) d \(whole % 86400 / 3600) h"
        }
    }

    /// 4 to 6 min, 40 to 50 s; where both are the same in the unit of the longer one, that one. The
    /// shorter one is rounded down and the longer one up.
    ///
    /// - Parameter low: nil where nothing is known but the most that it can be.
    public static func time(_ low: Double?, to high: Double) -> String {
        guard high.isFinite, high < 1e12 else { return "a very long time" }
        let (unit, name): (Double, String) =
            switch high {
            case ..<20: (1, "s")
            case ..<100: (10, "s")
            case ..<6000: (60, "min")
            case ..<172_800: (3600, "h")
            default: (86_400, "d")
            }
        let size = name == "s" ? 1 : unit
        let last = Int((max(high, 0) / unit - 1e-9).rounded(.up) * (unit / size))
        guard let low else { return "at most \(last) \(name)" }
        let first = Int((max(low, 0) / unit + 1e-9).rounded(.down) * (unit / size))
        if first >= last { return "\(last) \(name)" }
        return first == 0 ? "less than \(last) \(name)" : "\(first) to \(last) \(name)"
    }

    /// 41.2, 3.21
    public static func rate(_ perSecond: Double) -> String {
        fixed(perSecond, perSecond < 10 ? 2 : 1)
    }

    /// With three digits that count.
    public static func significant(_ value: Double) -> String {
        var (digits, limit) = (2, 10.0)
        while digits > 0, value.magnitude >= limit { (digits, limit) = (digits - 1, limit * 10) }
        limit = 1
        while digits < 9, value.magnitude < limit, value != 0 {
            (digits, limit) = (digits + 1, limit / 10)
        }
        return fixed(value, digits)
    }

    /// In the largest binary unit that leaves at least one.
    public static func bytes(_ count: Int) -> String {
        var value = Double(count)
        for unit in ["bytes", "KiB", "MiB", "GiB"] {
            if value < 1024 { return "\(fixed(value, unit == "bytes" ? 0 : 1)) \(unit)" }
            value /= 1024
        }
        return "\(fixed(value, 1)) TiB"
    }

    /// In the largest decimal unit that leaves at least one.
    public static func operations(_ count: Double) -> String {
        var value = count
        for unit in ["", "k", "M", "G", "T", "P"] {
            if value < 1000 { return "\(fixed(value, 1)) \(unit)FLOP" }
            value /= 1000
        }
        return "\(fixed(value, 1)) EFLOP"
    }

    public static func count(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }

    /// What is counted where every tile has so many fits.
    public static func unit(restarts: Int) -> String { restarts == 1 ? "tile" : "fit" }

    /// One line, or indented lines, of JSON with sorted keys.
    public static func json(_ value: some Encodable, indented: Bool) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if indented { encoder.outputFormatting.insert(.prettyPrinted) }
        return [UInt8](try encoder.encode(value))
    }
}
