// A terminal that a test holds, for programs that show something else there.

import Glibc

final class PseudoTerminal {
    /// What the program opens.
    let path: String
    private let descriptor: Int32
    private var bytes: [UInt8] = []

    init(width: Int, height: Int) throws {
        descriptor = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
        // TIOCSPTLCK and TIOCGPTN, which the headers hide.
        var (lock, number): (Int32, UInt32) = (0, 0)
        guard descriptor >= 0, ioctl(descriptor, 0x4004_5431, &lock) == 0,
            ioctl(descriptor, 0x8004_5430, &number) == 0
        else { throw Failure("there is no terminal to be had") }
        path = "/dev/pts/\(number)"
        resize(width: width, height: height)
    }

    deinit { close(descriptor) }

    func resize(width: Int, height: Int) {
        var size = winsize()
        (size.ws_col, size.ws_row) = (UInt16(width), UInt16(height))
        _ = ioctl(descriptor, UInt(TIOCSWINSZ), &size)
    }

    /// All that was written to it so far.
    var text: String {
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
