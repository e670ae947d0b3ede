// The workers of this host: started, watched, started again, ended.

import Cluster
import Glibc
import Transport

/// A fixed number of places for child processes. They end when this process does, in whatever way.
final class LocalWorkers {
    /// A child that has ended.
    struct Exit {
        let token: String
        let reason: String
    }

    private static let restartPauseMinimum: Duration = .milliseconds(250)
    private static let restartPauseMaximum: Duration = .seconds(10)

    private let program: String
    private let endpoint: String
    /// What a child reads from its standard input; nil where nothing is encrypted.
    private let keys: [UInt8]?
    private let threads: Int
    private var slots: [LocalWorkerSlot]
    private var mayStart = true
    private var crashesSinceProgress = 0
    private var lastCrash = ""
    private(set) var restartCount = 0

    /// - Parameters:
    ///   - logOptions: what they are to log; nil for errors alone, which are kept for the case
    ///     that they crash.
    ///   - said: gets every line that they print, where they log.
    init(
        count: Int, threads: Int, program: String, endpoint: String, keys: [UInt8]?,
        logOptions: [String]?, said: @escaping (String) -> Void
    ) {
        self.keys = keys
        self.program = program
        self.endpoint = endpoint
        self.threads = threads
        slots = (0..<count).map { _ in
            LocalWorkerSlot(
                logOptions: logOptions ?? ["--quiet"], said: logOptions == nil ? { _ in } : said,
                backOff: BackOff(
                    minimum: Self.restartPauseMinimum, maximum: Self.restartPauseMaximum,
                    seed: UInt64.random(in: 0...UInt64.max)))
        }
    }

    var runningCount: Int { slots.count { $0.child != nil } }

    /// When the next child is to be started.
    var nextDeadline: Duration? { mayStart ? slots.compactMap(\.startAt).min() : nil }

    /// Why there will be no more of them; nil while there may be.
    var exhaustion: String? {
        guard mayStart, !slots.isEmpty else { return nil }
        if slots.allSatisfy({ $0.child == nil && $0.startAt == nil }) {
            return "all local workers were asked to end, by someone other than dip-coord"
        }
        guard crashesSinceProgress >= 2 * slots.count + 2 else { return nil }
        return "local workers ended \(crashesSinceProgress) times without getting anywhere; "
            + "the last one: \(lastCrash)"
    }

    /// The work gets on: whatever ended workers before was not fatal.
    func noteProgress() {
        crashesSinceProgress = 0
        for slot in slots { slot.backOff.reset() }
    }

    /// Starts the children that are due.
    func startDue(at now: Duration, _ poller: inout Poller) {
        guard mayStart else { return }
        for slot in slots {
            guard slot.child == nil, let startAt = slot.startAt, now >= startAt else { continue }
            let isRestart = slot.token != ""
            do {
                try slot.start(
                    program: program, endpoint: endpoint, keys: keys, threads: threads, &poller)
                restartCount += isRestart ? 1 : 0
            } catch {
                crashed(slot, "\(error)", now)
            }
        }
    }

    private func crashed(_ slot: LocalWorkerSlot, _ story: String, _ now: Duration) {
        crashesSinceProgress += 1
        lastCrash = story
        slot.startAt = now + slot.backOff.next()
    }

    /// Reads what a child has printed. False when the descriptor is none of a child's.
    func read(_ token: Poller.Token, _ poller: inout Poller) -> Bool {
        guard let slot = slots.first(where: { $0.outputToken == token }) else { return false }
        slot.readOutput(&poller)
        return true
    }

    /// Looks for children that have ended.
    func collect(at now: Duration, _ poller: inout Poller) -> [Exit] {
        slots.compactMap { slot in
            guard let exit = slot.child?.pollExit() else { return nil }
            let token = slot.token
            slot.readOutput(&poller)
            let said = slot.tail.isEmpty ? "" : "; it said: " + slot.tail.joined(separator: " | ")
            slot.finish(&poller)
            if exit == .exited(code: 0) {
                // Somebody has asked it to end, and wants the processor for something else.
                slot.startAt = nil
            } else {
                crashed(slot, "\(exit)\(said)", now)
            }
            return Exit(token: token, reason: "\(exit)\(said)")
        }
    }

    /// No more children are started.
    func stopStarting() { mayStart = false }

    func terminate() {
        for slot in slots { slot.child?.terminate() }
    }

    func kill() {
        for slot in slots { slot.child?.kill() }
    }
}

/// A place for one child.
final class LocalWorkerSlot {
    private static let tailLineCount = 6
    private static let lineByteCountMaximum = 8 << 10
    private static let tailByteCountMaximum = 300

    private let logOptions: [String]
    private let said: (String) -> Void
    var backOff: BackOff
    private(set) var child: ChildProcess?
    /// The word by which the child is recognized when it says hello.
    private(set) var token = ""
    /// When to start a child; nil when there shall be none.
    var startAt: Duration? = .zero
    /// What it printed last.
    private(set) var tail: [String] = []
    private(set) var outputToken: Poller.Token?
    private var output: Int32 = -1
    private var line: [UInt8] = []

    init(logOptions: [String], said: @escaping (String) -> Void, backOff: BackOff) {
        self.logOptions = logOptions
        self.said = said
        self.backOff = backOff
    }

    deinit { closeOutput() }

    func start(
        program: String, endpoint: String, keys: [UInt8]?, threads: Int, _ poller: inout Poller
    ) throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw ProgramError(.failed, "cannot make a pipe: \(String(cString: strerror(errno)))")
        }
        let (reading, writing) = (ends[0], ends[1])
        defer { close(writing) }
        token = RestoreJob.randomWord()
        var environment = ProcessEnvironment.all()
        environment["OPENBLAS_NUM_THREADS"] = "1"
        environment["OMP_NUM_THREADS"] = "1"
        environment["DIP_LAUNCH_TOKEN"] = token
        // What a crash has to say is its first line.
        environment["SWIFT_BACKTRACE"] = "enable=no"
        do {
            child = try ChildProcess(
                executable: program,
                arguments: [endpoint, "--child", "--threads", "\(threads)"] + logOptions
                    + (keys == nil ? [] : ["--child-keys"]),
                environment: environment, standardInput: keys, standardError: writing)
        } catch {
            close(reading)
            throw error
        }
        startAt = nil
        tail = []
        line = []
        output = reading
        _ = fcntl(reading, F_SETFL, O_NONBLOCK)
        _ = fcntl(reading, F_SETFD, FD_CLOEXEC)
        outputToken = poller.add(fileDescriptor: reading)
    }

    func readOutput(_ poller: inout Poller) {
        guard output >= 0 else { return }
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = Glibc.read(output, &buffer, buffer.count)
            if count > 0 {
                take(buffer[..<count])
            } else if count < 0, errno == EINTR {
                continue
            } else {
                if count == 0 { removeOutput(&poller) }
                return
            }
        }
    }

    private func take(_ bytes: ArraySlice<UInt8>) {
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                endLine()
            } else if line.count < Self.lineByteCountMaximum {
                line.append(byte)
            }
        }
    }

    private func endLine() {
        if !line.isEmpty {
            said(String(decoding: line, as: UTF8.self))
            let beginning = line.prefix(Self.tailByteCountMaximum)
            tail.append(String(decoding: beginning, as: UTF8.self))
        }
        line = []
        if tail.count > Self.tailLineCount { tail.removeFirst() }
    }

    /// After the child's end.
    func finish(_ poller: inout Poller) {
        endLine()
        removeOutput(&poller)
        child = nil
        tail = []
    }

    private func removeOutput(_ poller: inout Poller) {
        if let outputToken { poller.remove(outputToken) }
        outputToken = nil
        closeOutput()
    }

    private func closeOutput() {
        if output >= 0 { close(output) }
        output = -1
    }
}
