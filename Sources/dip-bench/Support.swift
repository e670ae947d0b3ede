// Small helpers of the bench's commands: files, numbers as text.

public import ArgumentParser
public import DeepImagePrior
import FoundationEssentials
import Glibc
import Imaging
import NeuralNetwork

extension PrecisionChoice: ExpressibleByArgument {}

/// An input that cannot be read, as a sentence.
struct InputError: Error, CustomStringConvertible {
    let description: String
}

func readFile(_ path: String) throws -> [UInt8] {
    guard let data = FileManager.default.contents(atPath: path) else {
        let why = access(path, R_OK) == 0 ? "it is no file" : String(cString: strerror(errno))
        throw InputError(description: "cannot be read: \(why)")
    }
    return [UInt8](data)
}

func report(_ sentence: String) {
    let line = Array("dip-bench: \(sentence)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
}

/// Turns the errors of the engine and of images into a sentence and an exit code.
func reportingErrors(_ body: () throws -> Void) throws {
    do {
        try body()
    } catch let error as ImageError {
        report("\(error)")
        throw ExitCode(error.kind == .noSuchFile ? 66 : 65)
    } catch let error as FitError {
        report("\(error)")
        if case .invalid = error { throw ExitCode(64) }
        if case .outOfMemory = error { throw ExitCode(75) }
        throw ExitCode(1)
    } catch let error as NetworkError {
        report("\(error)")
        if case .outOfMemory = error { throw ExitCode(75) }
        throw ExitCode(64)
    }
}

/// The memory that a fit of such a tile takes, in bytes.
///
/// - Throws: `FitError.invalid` for a tile that cannot be, `FitError.outOfMemory` where the machine
///   has less than that.
func requireMemory(
    _ configuration: FitConfiguration, tile: Int, bands: Int, threads: Int = 1
) throws(FitError) -> Int {
    let byteCount = try Fit.memoryByteCount(
        configuration, height: tile, width: tile, bands: bands, threadCount: threads)
    let machine = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    guard byteCount <= machine else { throw .outOfMemory(byteCount: byteCount) }
    return byteCount
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

/// - Throws: `ValidationError` for a number of threads that makes no sense.
func requireThreadCount(_ threads: Int) throws {
    guard (1...64).contains(threads) else {
        throw ValidationError("--threads is \(threads); 1 to 64 work.")
    }
}
