// Numbers for people.

import FoundationEssentials

enum Text {
    /// With so many digits behind the point.
    static func fixed(_ value: Double, _ digits: Int) -> String {
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
    static func time(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e12 else { return "a very long time" }
        let whole = Int(max(seconds, 0).rounded())
        switch whole {
        case ..<60: return "\(whole) s"
        case ..<3600: return "\(whole / 60) min \(whole % 60) s"
        case ..<86400: return "\(whole / 3600) h \(whole % 3600 / 60) min"
        default: return "\(whole / 86400) d \(whole % 86400 / 3600) h"
        }
    }

    /// In the largest binary unit that leaves at least one.
    static func bytes(_ count: Int) -> String {
        var value = Double(count)
        for unit in ["bytes", "KiB", "MiB", "GiB"] {
            if value < 1024 { return "\(fixed(value, unit == "bytes" ? 0 : 1)) \(unit)" }
            value /= 1024
        }
        return "\(fixed(value, 1)) TiB"
    }

    /// In the largest decimal unit that leaves at least one.
    static func operations(_ count: Double) -> String {
        var value = count
        for unit in ["", "k", "M", "G", "T", "P"] {
            if value < 1000 { return "\(fixed(value, 1)) \(unit)FLOP" }
            value /= 1000
        }
        return "\(fixed(value, 1)) EFLOP"
    }

    static func count(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }

    /// One line, or indented lines, of JSON with sorted keys.
    static func json(_ value: some Encodable, indented: Bool) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if indented { encoder.outputFormatting.insert(.prettyPrinted) }
        return [UInt8](try encoder.encode(value))
    }
}

extension Duration {
    var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
