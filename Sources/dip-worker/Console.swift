// What a person at the terminal, or the coordinator that started this worker, gets to read.

import Glibc

/// Lines on standard error. A reader that has gone is no reason to stop.
struct Console {
    var isQuiet: Bool

    /// Something worth knowing that is no trouble.
    func note(_ sentence: String) {
        if !isQuiet { put("dip-worker: \(sentence)\n", on: STDERR_FILENO) }
    }

    func error(_ sentence: String) {
        put("dip-worker: error: \(sentence)\n", on: STDERR_FILENO)
    }

    /// - Returns: 0, or the number of what the system said.
    @discardableResult
    func output(_ text: String) -> Int32 {
        put(text + "\n", on: STDOUT_FILENO)
    }

    @discardableResult
    private func put(_ text: String, on descriptor: Int32) -> Int32 {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno != EINTR { return errno }
            bytes = bytes.dropFirst(max(count, 0))
        }
        return 0
    }
}
