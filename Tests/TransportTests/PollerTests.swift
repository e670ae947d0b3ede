// Waiting: for time, descriptors, threads and signals.

import Glibc
import Testing

@testable import Transport

@Suite struct PollerTests {
    @Test func `a wait ends when its time is up and not before`() throws {
        let clock = MonotonicClock()
        #expect(try Poller().wait(timeout: .milliseconds(15)).isEmpty)
        #expect(clock.now() >= .milliseconds(15))
        #expect(try Poller().wait(timeout: .zero).isEmpty)
        #expect(try Poller().wait(timeout: .seconds(-1)).isEmpty)
    }

    @Test func `only what is ready is told`() throws {
        let (first, second) = (try EventFD(), try EventFD())
        var poller = Poller()
        let firstToken = poller.add(fileDescriptor: first.fileDescriptor)
        let secondToken = poller.add(fileDescriptor: second.fileDescriptor)
        second.signal()
        #expect(try poller.wait(timeout: .seconds(5)).map(\.token) == [secondToken])
        first.signal()
        #expect(try poller.wait(timeout: nil).map(\.token) == [firstToken, secondToken])
        poller.remove(secondToken)
        first.clear()
        #expect(try poller.wait(timeout: .zero).isEmpty)
    }

    @Test func `a wait for sending is wanted explicitly`() throws {
        let context = try MessagingContext()
        let router = try RouterSocket(context: context)
        let endpoint = try router.bind("inproc://a-wait-for-sending")
        let dealer = try DealerSocket(connectingTo: endpoint, context: context)
        var poller = Poller()
        let token = poller.add(dealer)
        #expect(try poller.wait(timeout: .zero).isEmpty)
        poller.setWaitsForSending(true, token)
        let ready = try poller.wait(timeout: .seconds(5))
        #expect(ready == [.init(token: token, canReceive: false, canSend: true)])
    }

    @Test func `another thread ends a wait`() throws {
        let event = try EventFD()
        var poller = Poller()
        let token = poller.add(fileDescriptor: event.fileDescriptor)
        let thread = try DedicatedThread(name: "waker") {
            usleep(3000)
            event.signal()
        }
        #expect(try poller.wait(timeout: .seconds(5)).map(\.token) == [token])
        thread.join()
    }

    @Test func `an interrupted wait goes on for the rest of its time`() throws {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in }
        sigaction(SIGUSR1, &action, nil)
        let started = try Mailbox<UInt>()
        let outcome = try Mailbox<Bool>()
        let thread = try DedicatedThread(name: "interrupted") {
            let clock = MonotonicClock()
            started.post(UInt(pthread_self()))
            let ready = try? Poller().wait(timeout: .milliseconds(30))
            outcome.post(ready == [] && clock.now() >= .milliseconds(30))
        }
        var poller = Poller()
        _ = poller.add(fileDescriptor: started.fileDescriptor)
        _ = try poller.wait(timeout: .seconds(5))
        let handle = try #require(started.drain().first)
        for _ in 0..<4 {
            usleep(4000)
            pthread_kill(pthread_t(handle), SIGUSR1)
        }
        thread.join()
        #expect(outcome.drain() == [true])
    }

    @Test func `a blocked signal is read as a number`() throws {
        // A thread of its own, since the mask of a test's thread is not ours to change.
        let outcome = try Mailbox<[Int32?]>()
        let thread = try DedicatedThread(name: "signalled") {
            guard let signals = try? SignalFD(blocking: [SIGUSR2, SIGTERM]) else { return }
            var poller = Poller()
            _ = poller.add(fileDescriptor: signals.fileDescriptor)
            let before = signals.next()
            pthread_kill(pthread_self(), SIGUSR2)
            let isReady = (try? poller.wait(timeout: .seconds(5)))?.count == 1
            outcome.post([before, isReady ? signals.next() : -1, signals.next()])
        }
        thread.join()
        #expect(outcome.drain() == [[nil, SIGUSR2, nil]])
    }

    @Test func `a signal that the process ignores is left alone where that is wanted`() throws {
        signal(SIGWINCH, SIG_IGN)
        defer { signal(SIGWINCH, SIG_DFL) }
        let outcome = try Mailbox<[Int32?]>()
        let thread = try DedicatedThread(name: "hung up") {
            let signals = try? SignalFD(blocking: [SIGUSR2], unlessIgnored: [SIGWINCH, SIGURG])
            guard let signals else { return }
            pthread_kill(pthread_self(), SIGWINCH)
            let ignored = signals.next()
            pthread_kill(pthread_self(), SIGURG)
            outcome.post([ignored, signals.next(), signals.next()])
        }
        thread.join()
        #expect(outcome.drain() == [[nil, SIGURG, nil]])
    }

    @Test func `the limit of open files is raised to what may be had, or stays`() {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let count = ProgramStart.raiseOpenFileLimit()
        #expect(count >= Int(clamping: limit.rlim_cur))
        #expect(count <= Int(clamping: limit.rlim_max))
        #expect(ProgramStart.raiseOpenFileLimit() == count)
    }

    @Test func `milliseconds are rounded up and bounded`() {
        #expect(Duration.zero.wholeMilliseconds == 0)
        #expect(Duration.nanoseconds(1).wholeMilliseconds == 1)
        #expect(Duration.microseconds(2500).wholeMilliseconds == 3)
        #expect(Duration.seconds(-3).wholeMilliseconds == 0)
        #expect(Duration.milliseconds(-1).wholeMilliseconds == 0)
        #expect(Duration.seconds(Int64.max / 2).wholeMilliseconds == .max)
    }
}

@Suite struct MailboxTests {
    @Test func `every value arrives once and in its sender's order`() throws {
        let mailbox = try Mailbox<(sender: Int, value: Int)>()
        let threads = try (0..<4).map { sender in
            try DedicatedThread(name: "sender \(sender)") {
                for value in 0..<500 { mailbox.post((sender, value)) }
            }
        }
        var poller = Poller()
        _ = poller.add(fileDescriptor: mailbox.fileDescriptor)
        var values = [[Int]](repeating: [], count: 4)
        while values.reduce(0, { $0 + $1.count }) < 2000 {
            try #require(try poller.wait(timeout: .seconds(5)).count == 1)
            for (sender, value) in mailbox.drain() { values[sender].append(value) }
        }
        for thread in threads { thread.join() }
        #expect(values.allSatisfy { $0 == Array(0..<500) })
        #expect(mailbox.drain().isEmpty)
        #expect(try poller.wait(timeout: .zero).isEmpty)
    }

    @Test func `a thread has the stack that it was given`() throws {
        let thread = try DedicatedThread(name: "deep", stackByteCount: 64 << 20) {
            withUnsafeTemporaryAllocation(byteCount: 32 << 20, alignment: 16) { buffer in
                buffer[0] = 1
                buffer[buffer.count - 1] = 1
            }
        }
        thread.join()
        thread.join()
        #expect(throws: TransportError.self) {
            try DedicatedThread(name: "tiny", stackByteCount: 1) {}
        }
    }
}
