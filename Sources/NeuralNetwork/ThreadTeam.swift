// Threads that share the work of one network, part by part.

import CKernels
import Glibc
import Synchronization

/// The calling thread and its helpers. Which thread takes which part is left to chance; what a part
/// computes never depends on it.
///
/// One caller at a time.
final class ThreadTeam {
    /// With the caller.
    let threadCount: Int
    private let shared = Shared()
    private var helpers: [pthread_t] = []

    /// Waits are short while a network runs: a thread looks so many times in a row, then lets
    /// others run between looks, and sleeps where nothing came.
    private static let looksInARow = 2000
    private static let looksBeforeSleep = 6000

    /// - Throws: `NetworkError.noThread` where the system gives none.
    init(threadCount: Int) throws(NetworkError) {
        self.threadCount = threadCount
        for index in 1..<max(1, threadCount) {
            let start = Unmanaged.passRetained(Start(shared: shared, thread: index))
            var helper = pthread_t()
            let status = pthread_create(
                &helper, nil,
                { argument in
                    let start = Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
                    start.shared.help(thread: start.thread)
                    return nil
                }, start.toOpaque())
            guard status == 0 else {
                start.release()
                shared.end(helpers)
                throw .noThread(wanted: threadCount)
            }
            helpers.append(helper)
        }
    }

    deinit {
        shared.end(helpers)
    }

    /// Calls `compute` with each part 0..<`partCount` and the thread that it runs on, and then
    /// `merge`, one after the other in the order of the parts.
    func run(
        parts partCount: Int, _ compute: (_ part: Int, _ thread: Int) -> Void,
        merge: ((_ part: Int, _ thread: Int) -> Void)? = nil
    ) {
        guard threadCount > 1, partCount > 1 else {
            for part in 0..<partCount {
                compute(part, 0)
                merge?(part, 0)
            }
            return
        }
        withoutActuallyEscaping(compute) { compute in
            guard let merge else {
                shared.run(Work(partCount: partCount, compute: compute, merge: nil), helpers.count)
                return
            }
            withoutActuallyEscaping(merge) { merge in
                shared.run(
                    Work(partCount: partCount, compute: compute, merge: merge), helpers.count)
            }
        }
    }

    private struct Work {
        let partCount: Int
        let compute: (Int, Int) -> Void
        let merge: ((Int, Int) -> Void)?
    }

    private final class Start {
        let shared: Shared
        let thread: Int

        init(shared: Shared, thread: Int) {
            self.shared = shared
            self.thread = thread
        }
    }

    /// What all threads see. `work` is written by the caller while no helper is busy; `round` tells
    /// that it is there.
    private final class Shared: @unchecked Sendable {
        private var work: Work?
        private let round = Atomic<Int>(0)
        private let nextPart = Atomic<Int>(0)
        private let nextMerge = Atomic<Int>(0)
        private let busyHelpers = Atomic<Int>(0)
        private let sleepers = Atomic<Int>(0)
        private let isOver = Atomic<Bool>(false)
        private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        private let wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

        init() {
            pthread_mutex_init(mutex, nil)
            pthread_cond_init(wake, nil)
        }

        deinit {
            pthread_cond_destroy(wake)
            pthread_mutex_destroy(mutex)
            wake.deallocate()
            mutex.deallocate()
        }

        func run(_ work: Work, _ helperCount: Int) {
            self.work = work
            nextPart.store(0, ordering: .relaxed)
            nextMerge.store(0, ordering: .relaxed)
            busyHelpers.store(helperCount, ordering: .relaxed)
            announce()
            take(work, thread: 0)
            wait { busyHelpers.load(ordering: .acquiring) == 0 }
            self.work = nil
        }

        func help(thread: Int) {
            var seen = 0
            while true {
                waitForRound(after: seen)
                seen += 1
                guard !isOver.load(ordering: .acquiring) else { return }
                takeAnnounced(thread: thread)
                busyHelpers.subtract(1, ordering: .releasing)
            }
        }

        func end(_ helpers: [pthread_t]) {
            isOver.store(true, ordering: .releasing)
            announce()
            for helper in helpers { pthread_join(helper, nil) }
        }

        /// Holds the work no longer than it runs: the caller's closures must not outlive `run`.
        @inline(never)
        private func takeAnnounced(thread: Int) {
            if let work { take(work, thread: thread) }
        }

        private func take(_ work: Work, thread: Int) {
            while true {
                let part = nextPart.add(1, ordering: .relaxed).oldValue
                guard part < work.partCount else { return }
                work.compute(part, thread)
                guard let merge = work.merge else { continue }
                // Parts are taken in order, so the one that is waited for is always being computed.
                wait { nextMerge.load(ordering: .acquiring) == part }
                merge(part, thread)
                nextMerge.store(part + 1, ordering: .releasing)
            }
        }

        private func announce() {
            round.add(1, ordering: .sequentiallyConsistent)
            guard sleepers.load(ordering: .sequentiallyConsistent) > 0 else { return }
            pthread_mutex_lock(mutex)
            pthread_cond_broadcast(wake)
            pthread_mutex_unlock(mutex)
        }

        private func waitForRound(after seen: Int) {
            for look in 0..<ThreadTeam.looksBeforeSleep {
                if round.load(ordering: .acquiring) > seen { return }
                if look < ThreadTeam.looksInARow { dip_relax() } else { sched_yield() }
            }
            pthread_mutex_lock(mutex)
            sleepers.add(1, ordering: .sequentiallyConsistent)
            while round.load(ordering: .sequentiallyConsistent) <= seen {
                pthread_cond_wait(wake, mutex)
            }
            sleepers.subtract(1, ordering: .relaxed)
            pthread_mutex_unlock(mutex)
        }

        /// For what another thread is just computing: looks, and lets others run in between.
        private func wait(until holds: () -> Bool) {
            var looks = 0
            while !holds() {
                looks += 1
                if looks < ThreadTeam.looksInARow { dip_relax() } else { sched_yield() }
            }
        }
    }
}
