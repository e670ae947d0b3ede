// What a test works in: a private folder, the processes it starts, and the check that nothing of
// them stays.

import Foundation
import Glibc
import Testing

/// The built programs, which lie beside the running test program.
enum Programs {
    static let coordinator = path("dip-coord")
    static let worker = path("dip-worker")
    static let bench = path("dip-bench")
    static let simulator = path("dip-sim")

    private static func path(_ name: String) -> String {
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        return URL(fileURLWithPath: tests ?? "/").deletingLastPathComponent().path + "/" + name
    }
}

/// A folder and the processes of one test.
final class Session {
    let folder: String
    private var processes: [RunningProcess] = []

    fileprivate init() throws {
        for program in [Programs.coordinator, Programs.worker] {
            try #require(
                access(program, X_OK) == 0, "\(program) is not built; run swift build first")
        }
        let base = FileManager.default.temporaryDirectory.path
        var template = Array("\(base)/dip-end-to-end-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { $0.baseAddress.flatMap(mkdtemp) }
        folder = String(cString: try #require(made))
    }

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    /// Names beside the pictures, without the logs that the session itself makes.
    var names: [String] { Files.names(folder).filter { $0 != "logs" } }

    func start(
        _ program: String, _ arguments: [String], environment: [String: String] = [:],
        terminal: PseudoTerminal? = nil
    ) throws -> RunningProcess {
        let logs = path("logs")
        try FileManager.default.createDirectory(atPath: logs, withIntermediateDirectories: true)
        var variables = ["PATH": "/usr/bin:/bin", "HOME": folder, "LANG": "C.UTF-8"]
        variables.merge(environment) { $1 }
        let process = try RunningProcess(
            executable: program, arguments: arguments, environment: variables,
            logPath: "\(logs)/\(processes.count)", terminal: terminal)
        processes.append(process)
        return process
    }

    /// Starts `dip-coord`; paths are this session's.
    func coordinator(_ arguments: String...) throws -> RunningProcess {
        try start(Programs.coordinator, arguments)
    }

    func worker(_ arguments: String...) throws -> RunningProcess {
        try start(Programs.worker, arguments)
    }

    /// Runs `dip-coord` to its end.
    func run(_ arguments: [String], atMost limit: Duration = .seconds(30)) throws -> RunningProcess
    {
        let process = try start(Programs.coordinator, arguments)
        process.wait(atMost: limit)
        return process
    }

    /// Runs `dip-coord` to its successful end, which leaves no process.
    @discardableResult
    func succeed(
        _ arguments: [String], atMost limit: Duration = .seconds(40),
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> RunningProcess {
        let process = try run(arguments, atMost: limit)
        try #require(
            process.wait() == .exited(0), process.story, sourceLocation: sourceLocation)
        #expect(process.descendants.isEmpty, process.story, sourceLocation: sourceLocation)
        return process
    }

    /// Waits for a fact. Fails when it does not come in time, or when `process` ends before it.
    func eventually(
        _ what: String, within limit: Duration = .seconds(20), of process: RunningProcess? = nil,
        _ holds: () throws -> Bool
    ) throws {
        let deadline = ContinuousClock.now + limit
        while try !holds() {
            let story = process.map { "\n\($0.story)" } ?? ""
            // What the process did last may have come between the question and its end.
            if let process, process.pollEnd() != nil {
                if try holds() { return }
                throw Failure("the process ended before: \(what)\(story)")
            }
            guard ContinuousClock.now < deadline else {
                throw Failure("within \(limit) there was not: \(what)\(story)")
            }
            usleep(5000)
        }
    }

    /// Waits until so many tiles of the job are on the disk.
    func awaitTiles(_ count: Int, output: String, of process: RunningProcess) throws {
        try eventually("\(count) stored tiles", of: process) { storedTileCount(output) >= count }
    }

    /// Kills what still runs, and says what it was.
    fileprivate func endProcesses() -> [String] {
        var left: [String] = []
        for process in processes {
            let descendants = process.descendants
            if process.pollEnd() == nil {
                left.append(process.commandLine)
                process.kill()
            }
            for descendant in descendants {
                left.append("\(descendant) of \(process.commandLine)")
                descendant.send(SIGKILL)
            }
        }
        return left
    }

    /// Files that are on their way to another name.
    fileprivate var partialFiles: [String] {
        Files.tree(folder).filter { $0.contains(".partial") }
    }
}

/// Runs a test in a session. After it no process may run, and no temporary file may lie in its
/// folder unless the test left a killed program's.
func withSession(
    leavesPartialFiles: Bool = false, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: (Session) throws -> Void
) throws {
    let session = try Session()
    defer {
        let left = session.endProcesses()
        try? FileManager.default.removeItem(atPath: session.folder)
        #expect(left.isEmpty, "left running", sourceLocation: sourceLocation)
    }
    try body(session)
    if !leavesPartialFiles {
        #expect(session.partialFiles == [], sourceLocation: sourceLocation)
    }
}
