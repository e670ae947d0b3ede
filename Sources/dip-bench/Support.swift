// Small helpers of the bench's commands: files, numbers as text.

import FoundationEssentials
import Glibc

/// An input that cannot be read, as a sentence.
struct InputError: Error, CustomStringConvertible {
    let description: String
}

func readFile(_ path: String) throws -> [UInt8] {
    guard let data = FileManager.default.contents(atPath: path) else {
        throw InputError(description: "cannot be read: \(String(cString: strerror(errno)))")
    }
    return [UInt8](data)
}

func report(_ sentence: String) {
    let line = Array("dip-bench: \(sentence)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
}

func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
}

/// 0.00012 as 1.2e-04.
func scientific(_ value: Double) -> String {
    guard value.isFinite, value > 0 else { return value == 0 ? "0.0e+00" : "\(value)" }
    var exponent = Int(log10(value).rounded(.down))
    var mantissa = (value / pow(10, Double(exponent)) * 10).rounded() / 10
    if mantissa >= 10 {
        mantissa /= 10
        exponent += 1
    }
    let digits = abs(exponent) < 10 ? "0\(abs(exponent))" : "\(abs(exponent))"
    return "\(mantissa)e\(exponent < 0 ? "-" : "+")\(digits)"
}

/// To a tenth, for people.
func rounded(_ value: Double) -> Double {
    (value * 10).rounded() / 10
}

/// The middle of the values, of an even number the upper one; 0 of none.
func median(_ values: [Double]) -> Double {
    values.isEmpty ? 0 : values.sorted()[values.count / 2]
}

func printJSON(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    print(String(decoding: try encoder.encode(value), as: UTF8.self))
}
