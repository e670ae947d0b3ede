// Children: what they are given, how they end, and that none is left.

import Glibc
import Testing

@testable import Transport

@Suite struct ChildProcessTests {
    static func shell(_ script: String) throws -> ChildProcess {
        try ChildProcess(executable: "/bin/sh", arguments: ["-c", script], environment: [:])
    }

    /// Runs a program to its end; what it printed, line by line.
    static func lines(
        _ executable: String, _ arguments: [String], environment: [String: String] = [:]
    ) throws -> [String] {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        defer { close(ends[0]) }
        let child = try ChildProcess(
            executable: executable, arguments: arguments, environment: environment,
            standardError: ends[1])
        close(ends[1])
        #expect(child.waitForExit(atMost: .seconds(5)) == .exited(code: 0))
        var buffer = [UInt8](repeating: 0, count: 10_000)
        let count = read(ends[0], &buffer, buffer.count)
        return String(decoding: buffer[..<max(count, 0)], as: UTF8.self)
            .split(separator: "\n").map(String.init)
    }

    @Test func `the way a process ended is told`() throws {
        #expect(try Self.shell("exit 7").waitForExit(atMost: .seconds(5)) == .exited(code: 7))
        #expect(
            try Self.shell("kill -9 $$").waitForExit(atMost: .seconds(5))
                == .signalled(signal: SIGKILL))
        #expect("\(ChildExit.signalled(signal: SIGSEGV))".contains("11"))
    }

    @Test func `a program that is not there is an error`() {
        for path in ["/no/such/program", "/etc/passwd", "/etc", ""] {
            do {
                _ = try ChildProcess(executable: path, arguments: [], environment: [:])
                Issue.record("started '\(path)'")
            } catch {
                #expect(error.kind == .noSuchProgram, "\(error)")
            }
        }
    }

    @Test func `the environment is what was given and no more`() throws {
        let lines = try Self.lines(
            "/usr/bin/env", [], environment: ["OPENBLAS_NUM_THREADS": "1", "A": "b=c"])
        #expect(lines.contains("OPENBLAS_NUM_THREADS=1"))
        #expect(lines.contains("A=b=c"))
        #expect(!lines.contains { $0.hasPrefix("HOME=") || $0.hasPrefix("PATH=") })
    }

    @Test func `a child has the three standard files and the pipe`() throws {
        let leak = open("/dev/null", O_RDONLY)
        defer { close(leak) }
        // The last one is the directory that is being listed.
        #expect(try Self.lines("/bin/ls", ["/proc/self/fd"]) == ["0", "1", "2", "3", "4"])
        #expect(try Self.lines("/bin/readlink", ["/proc/self/fd/0"]) == ["/dev/null"])
    }

    @Test func `signals are neither blocked nor ignored in a child`() throws {
        let outcome = try Mailbox<[String]>()
        let thread = try DedicatedThread(name: "blocking") {
            guard let signals = try? SignalFD(blocking: [SIGINT, SIGTERM, SIGCHLD]) else { return }
            signal(SIGPIPE, SIG_IGN)
            let lines = try? Self.lines("/bin/grep", ["-E", "SigBlk|SigIgn", "/proc/self/status"])
            outcome.post(lines ?? [])
            _ = signals.next()
        }
        thread.join()
        // Signals 32 and 33 belong to the C library.
        let masks = try #require(outcome.drain().first).map { line in
            UInt64(line.split(separator: "\t").last ?? "", radix: 16).map { $0 & 0x7FFF_FFFF }
        }
        #expect(masks == [0, 0])
    }

    @Test func `a child is in a process group of its own`() throws {
        let child = try Self.shell("read line <&3")
        #expect(getpgid(child.processIdentifier) == child.processIdentifier)
    }

    @Test func `a child sees the end of its parent and no sibling holds it back`() throws {
        let child = try Self.shell("read line <&3; exit 5")
        let sibling = try Self.shell("read line <&3; exit 6")
        #expect(child.pollExit() == nil)
        child.releaseLifeline()
        child.releaseLifeline()
        #expect(child.waitForExit(atMost: .seconds(5)) == .exited(code: 5))
        #expect(sibling.pollExit() == nil)
        sibling.releaseLifeline()
        #expect(sibling.waitForExit(atMost: .seconds(5)) == .exited(code: 6))
    }

    @Test func `asking and killing end a process, also a stopped one`() throws {
        let asked = try Self.shell("trap 'exit 3' TERM; while :; do read line <&3; done")
        usleep(20_000)
        asked.terminate()
        #expect(asked.waitForExit(atMost: .seconds(5)) == .exited(code: 3))

        for end in [ChildProcess.terminate, ChildProcess.kill] {
            let stopped = try Self.shell("kill -STOP $$; read line <&3")
            usleep(20_000)
            end(stopped)()
            guard case .signalled = stopped.waitForExit(atMost: .seconds(5)) else {
                Issue.record("still there")
                continue
            }
        }
    }

    @Test func `signals to a process that has been reaped go nowhere`() throws {
        let child = try Self.shell("exit 0")
        #expect(child.waitForExit(atMost: .seconds(5)) == .exited(code: 0))
        child.terminate()
        child.kill()
        #expect(child.pollExit() == .exited(code: 0))
    }

    @Test func `a process that nobody holds any more is gone`() throws {
        var child: ChildProcess? = try Self.shell("read line <&3; sleep 100")
        let process = try #require(child).processIdentifier
        child = nil
        #expect(kill(process, 0) == -1 && errno == ESRCH)
    }

    @Test func `the end of a process ends a wait`() throws {
        let child = try Self.shell("read line <&3")
        let descriptor = try #require(child.fileDescriptor)
        var poller = Poller()
        let token = poller.add(fileDescriptor: descriptor)
        #expect(try poller.wait(timeout: .milliseconds(5)).isEmpty)
        #expect(child.waitForExit(atMost: .milliseconds(5)) == nil)
        child.kill()
        #expect(try poller.wait(timeout: .seconds(5)).map(\.token) == [token])
        #expect(child.pollExit() == .signalled(signal: SIGKILL))
    }
}

@Suite struct SurroundingsTests {
    @Test func `a parent's pipe tells its end`() throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        let parent = try ParentPipe(fileDescriptor: ends[0])
        #expect(!parent.parentIsGone)
        close(ends[1])
        #expect(parent.parentIsGone)
        #expect(fcntl(parent.fileDescriptor, F_GETFD) == FD_CLOEXEC)
    }

    @Test func `what is not a pipe is refused`() {
        let file = open("/dev/null", O_RDONLY)
        defer { close(file) }
        #expect(throws: TransportError.self) { try ParentPipe(fileDescriptor: file) }
        #expect(throws: TransportError.self) { try ParentPipe(fileDescriptor: -1) }
    }

    @Test func `programs are found beside the running one and then in the path`() {
        #expect(ProgramLocator.find("sh", beside: "/no/such", searchPath: "/x::/bin") == "/bin/sh")
        #expect(ProgramLocator.find("sh", beside: "/bin", searchPath: "") == "/bin/sh")
        #expect(ProgramLocator.find("no-such-program", searchPath: "/bin") == nil)
        #expect(ProgramLocator.find("passwd", beside: "/etc", searchPath: "") == nil)
        #expect(ProgramLocator.find("bin", beside: "/usr", searchPath: "") == nil)
    }

    @Test func `the environment is read`() {
        setenv("DIP_TRANSPORT_TEST", "a=b", 1)
        #expect(ProcessEnvironment.all()["DIP_TRANSPORT_TEST"] == "a=b")
    }

    @Test func `the clock begins at zero and goes on`() {
        let clock = MonotonicClock()
        let first = clock.now()
        usleep(1000)
        #expect(first >= .zero && first < .seconds(5))
        #expect(clock.now() >= first + .milliseconds(1))
    }
}
