// The thread on which requests are answered.

import Dispatch
import Synchronization

/// One thread of the server's own: what else the program's tasks do does not hold it up.
final class ServerExecutor: TaskExecutor {
    private let queue = DispatchQueue(label: "dashboard")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    /// Something that happens later, unless it is cancelled before.
    final class Alarm {
        private final class Bell: Sendable {
            let hasRung = Atomic(false)
        }

        private let bell = Bell()
        private let item: DispatchWorkItem

        fileprivate init(
            on queue: DispatchQueue, after seconds: Double, _ body: @escaping @Sendable () -> Void
        ) {
            item = DispatchWorkItem { [bell] in
                bell.hasRung.store(true, ordering: .relaxed)
                body()
            }
            queue.asyncAfter(deadline: .now() + seconds, execute: item)
        }

        var hasRung: Bool { bell.hasRung.load(ordering: .relaxed) }

        /// To be called on the executor's thread: then it has happened whole, or does not happen.
        func cancel() { item.cancel() }
    }

    func after(_ limit: Duration, _ body: @escaping @Sendable () -> Void) -> Alarm {
        Alarm(on: queue, after: max(limit / .seconds(1), 0), body)
    }
}
