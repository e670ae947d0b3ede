// A state machine that contradicts itself stops the process. The seed is said then, too.

import Glibc

/// The seed that is running, as the bytes of a sentence.
enum LastSeed {
    private static let capacity = 64
    /// Written before each run, read by the signal's handler of the same thread.
    nonisolated(unsafe) private static let sentence =
        UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
    nonisolated(unsafe) private static var byteCount = 0

    static func note(_ seed: UInt64) {
        let bytes = Array("dip-sim: the process stops itself in seed \(seed)\n".utf8)
        byteCount = min(bytes.count, capacity)
        for index in 0..<byteCount { sentence[index] = bytes[index] }
    }

    /// Says the seed when a check of the program stops it.
    static func reportOnTrap() {
        for trap in [SIGILL, SIGTRAP] {
            signal(trap) { number in
                _ = Glibc.write(STDERR_FILENO, LastSeed.sentence, LastSeed.byteCount)
                signal(number, SIG_DFL)
                raise(number)
            }
        }
    }
}
