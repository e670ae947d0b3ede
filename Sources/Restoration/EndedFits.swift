// What a blend waits for that follows the fits.

import Glibc

/// The fits of a job that have come to their end, told by one thread and waited for by another.
final class EndedFits {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let change = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var stored: Set<Int>
    /// nil while more may come.
    private var leftOut: Set<Int>?
    private var hasBeenCancelled = false

    /// - Parameter stored: fits whose results are there.
    init(stored: Set<Int>) {
        self.stored = stored
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(change, nil)
    }

    deinit {
        pthread_cond_destroy(change)
        pthread_mutex_destroy(mutex)
        change.deallocate()
        mutex.deallocate()
    }

    private func locked<Value>(_ body: () -> Value) -> Value {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    /// More results are there.
    func add(_ fits: [Int]) {
        locked {
            stored.formUnion(fits)
            pthread_cond_signal(change)
        }
    }

    /// Nothing more comes.
    ///
    /// - Parameter leftOut: fits without a result that counts.
    /// - Returns: whether that is so: none of them has been told to have one.
    func end(leftOut: Set<Int>) -> Bool {
        locked {
            guard stored.isDisjoint(with: leftOut) else { return false }
            self.leftOut = leftOut
            pthread_cond_signal(change)
            return true
        }
    }

    /// Lets who waits give up.
    func cancel() {
        locked {
            hasBeenCancelled = true
            pthread_cond_signal(change)
        }
    }

    var isCancelled: Bool { locked { hasBeenCancelled } }

    /// Waits until a fit has come to its end.
    ///
    /// - Returns: whether it has a result that counts.
    /// - Throws: `BlendCancelled`.
    func wait(for fit: Int) throws(BlendCancelled) -> Bool {
        let hasResult: Bool? = locked {
            while true {
                if hasBeenCancelled { return nil }
                if stored.contains(fit) { return true }
                if let leftOut { return !leftOut.contains(fit) }
                pthread_cond_wait(change, mutex)
            }
        }
        guard let hasResult else { throw BlendCancelled() }
        return hasResult
    }
}
