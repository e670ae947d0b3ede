// How the program ends: every error becomes one sentence and one of these numbers here.

import ArgumentParser
import Cluster
import Glibc
import Logs
import Transport

enum ExitCode {
    static let success: Int32 = 0
    static let failure: Int32 = 1
    /// The command line makes no sense.
    static let usage: Int32 = 64
    /// Keys that are of no use.
    static let badInput: Int32 = 65
    /// Keys that are not there.
    static let noInput: Int32 = 66
    /// No coordinator, or not any more.
    static let unavailable: Int32 = 69
    /// Help or version could not be printed.
    static let unprintable: Int32 = 74
    /// Not enough of something that the system grants.
    static let exhausted: Int32 = 75
    /// The coordinator will not have this worker, or this worker cannot follow the coordinator.
    static let refused: Int32 = 77
    /// Ended at once by a second signal.
    static let interrupted: Int32 = 130

    static func code(for reason: Worker.ExitReason) -> Int32 {
        switch reason {
        case .jobOver, .drained, .lifetimeOver: success
        case .killed: interrupted
        case .refused: refused
        case .coordinatorLost, .parentGone: unavailable
        }
    }

    /// Prints what an error means, on standard error (help and version: standard output).
    static func report(_ error: any Error) -> Int32 {
        let console = Console(level: .error)
        if let error = error as? TransportError {
            console.error(error.message)
            return error.kind == .badEndpoint ? usage : failure
        }
        if let error = error as? KeyError {
            console.error(error.message)
            return switch error.kind {
            case .missing: noInput
            case .unreachable: exhausted
            case .unusable, .unwritable: badInput
            }
        }
        let code = WorkerCommand.exitCode(for: error)
        if code == .success {
            let failure = console.output(WorkerCommand.fullMessage(for: error))
            guard failure == 0 else {
                console.error(
                    "standard output cannot be written: \(String(cString: strerror(failure)))")
                return unprintable
            }
        } else if code == .validationFailure {
            // The parser puts each of many values on a line of its own.
            let sentence = WorkerCommand.message(for: error).replacing(":\n  - ", with: ": ")
                .replacing("\n  - ", with: ", ")
            console.error("\(sentence) (see dip-worker --help)")
        } else {
            console.error("\(error)")
        }
        return code.rawValue
    }
}
