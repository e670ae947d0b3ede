// How the program ends: every error becomes one sentence and one exit code here.

import ArgumentParser
import DashboardServer
import DeepImagePrior
import Imaging
import JobStore
import Logging
import Logs
import Restoration
import Transport
import Wire

/// An end other than success: a sentence for the user and the exit code.
struct ProgramError: Error, CustomStringConvertible, Sendable {
    enum Code: Int32, Sendable {
        case failed = 1
        case usage = 64
        case badInput = 65
        case noInput = 66
        case unavailable = 69
        case unwritable = 73
        case unprintable = 74
        case exhausted = 75
        case mismatch = 78
        case interrupted = 130
    }

    let code: Code
    let message: String
    var description: String { message }

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// What an error of one of the rooms means to the user.
    init(_ error: any Error) {
        switch error {
        case let error as ProgramError: self = error
        case let error as ImageError: self.init(Self.code(of: error), error.message)
        case let error as TilePlanError: self.init(.usage, error.description)
        case let error as FitError: self.init(Self.code(of: error), error.description)
        case let error as JobStoreError: self.init(Self.code(of: error), error.message)
        case let error as TransportError: self.init(Self.code(of: error), error.message)
        case let error as KeyError: self.init(Self.code(of: error), error.message)
        case let error as DashboardError: self.init(Self.code(of: error), error.message)
        case is BlendCancelled: self.init(.interrupted, "interrupted while blending")
        case let error as WireError: self.init(.failed, error.description)
        default: self.init(.failed, "\(error)")
        }
    }

    private static func code(of error: ImageError) -> Code {
        switch error.kind {
        case .noSuchFile: .noInput
        case .unreadable, .unsupported, .tooLarge: .badInput
        case .unwritable, .outputExists: .unwritable
        case .outOfSpace: .exhausted
        }
    }

    private static func code(of error: FitError) -> Code {
        switch error {
        case .invalid: .usage
        case .outOfMemory: .exhausted
        case .diverged, .notFinite: .failed
        }
    }

    private static func code(of error: JobStoreError) -> Code {
        switch error.kind {
        case .locked, .unwritable: .unwritable
        case .outOfSpace: .exhausted
        case .corrupt: .failed
        case .notResumable: .mismatch
        }
    }

    private static func code(of error: DashboardError) -> Code {
        switch error.kind {
        case .addressInUse: .unavailable
        case .badAddress: .usage
        case .system: .failed
        }
    }

    private static func code(of error: TransportError) -> Code {
        switch error.kind {
        case .addressInUse, .noSuchProgram: .unavailable
        case .badEndpoint: .usage
        case .system: .failed
        }
    }

    private static func code(of error: KeyError) -> Code {
        switch error.kind {
        case .missing: .noInput
        case .unusable: .badInput
        case .unreachable: .exhausted
        case .unwritable: .unwritable
        }
    }

    /// Prints what an error means on standard error (help and version: on standard output), and
    /// returns the exit code.
    static func report(_ error: any Error) -> Int32 {
        let code = DipCoord.exitCode(for: error)
        if code == .success {
            do throws(ProgramError) {
                try StandardStream.printResult(DipCoord.fullMessage(for: error) + "\n")
                return code.rawValue
            } catch {
                return say(error)
            }
        }
        if let code = error as? ExitCode { return code.rawValue }
        if code == .validationFailure {
            // The parser puts each of many values on a line of its own.
            let sentence = DipCoord.message(for: error).replacing(":\n  - ", with: ": ")
                .replacing("\n  - ", with: ", ")
            say("\(sentence) (see dip-coord help \(commandName))")
            return code.rawValue
        }
        return say(ProgramError(error))
    }

    /// The command that the command line is of, whose help has its options.
    private static var commandName: String {
        let names = DipCoord.configuration.subcommands.map { $0.configuration.commandName }
        let first = CommandLine.arguments.dropFirst().first
        let usual = RestoreCommand.configuration.commandName
        return (names.contains(first) ? first : usual) ?? ""
    }

    private static func say(_ error: ProgramError) -> Int32 {
        say(error.message)
        return error.code.rawValue
    }

    /// In the format that the command line asks for, which may be what is wrong.
    private static func say(_ sentence: String) {
        let format = LogFormat.asked(in: CommandLine.arguments)
        Logger(program: "dip-coord", format: format, level: .error) {
            StandardStream.error.write($0 + "\n")
        }.error("\(sentence)", metadata: .event("failed"))
    }
}
