// The file of tiles as tests see it and damage it.

import Safetensors

@testable import JobStore

extension Sample {
    static let tilesPath = "/out.dip/tiles.bin"

    /// Places of bytes to damage in a stored file: all but most of the spaces that fill up its
    /// header, of which each is like the next.
    static func places(in bytes: [UInt8]) -> [Int] {
        bytes.indices.filter { place in
            place % 64 == 0
                || (place - 2...place + 2).contains { neighbour in
                    !bytes.indices.contains(neighbour) || bytes[neighbour] != UInt8(ascii: " ")
                }
        }
    }
}

extension MemoryFileSystem {
    /// The bytes of a slot of the job in `/out.dip`; nil where the file ends before.
    func slot(_ index: Int, of manifest: JobManifest) -> [UInt8]? {
        let (file, range) = (file(Sample.tilesPath) ?? [], manifest.slot(of: index))
        return range.upperBound <= file.count ? Array(file[range]) : nil
    }

    /// Puts bytes into a slot, and zeros behind them up to its end. What is too long is cut off.
    func setSlot(_ index: Int, of manifest: JobManifest, _ bytes: [UInt8]) {
        let range = manifest.slot(of: index)
        var file = file(Sample.tilesPath) ?? []
        file += [UInt8](repeating: 0, count: max(range.upperBound - file.count, 0))
        let part = bytes.prefix(range.count)
        file.replaceSubrange(
            range, with: part + [UInt8](repeating: 0, count: range.count - part.count))
        overwriteFile(Sample.tilesPath, file)
    }
}
