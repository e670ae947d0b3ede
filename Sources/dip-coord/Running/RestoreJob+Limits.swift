// What a restoration needs of the host, checked before it begins, and what users should know.

import Dashboard
import DeepImagePrior
import Glibc
import Imaging
import JobStore
import Restoration
import Transport
import Wire

extension RestoreJob {
    /// Files that the process itself has open at the most.
    ///
    /// - Parameter workerCount: on this host, yet to be started: each takes four descriptors
    ///   (process, its end of a pipe, what it prints, connection).
    static func openFileCount(yetToStart workerCount: Int) -> Int { 32 + 4 * workerCount }

    static func checkOpenFiles(_ workerCount: Int) throws {
        let needed = openFileCount(yetToStart: workerCount)
        let allowed = ProgramStart.raiseOpenFileLimit()
        guard needed > allowed else { return }
        throw ProgramError(
            .exhausted,
            "this process may have \(allowed) files open, but \(needed) may be needed for "
                + "\(Text.count(workerCount, "worker")); raise the limit (ulimit -n) or use fewer "
                + "--workers")
    }

    /// What is to be said about the memory that this host's workers need.
    static func checkMemory(
        _ configuration: FitConfiguration, _ plan: TilePlan, _ header: ImageHeader,
        _ workerCount: Int, threads: Int, othersMayJoin: Bool
    ) throws -> [String] {
        let needed = try Fit.memoryByteCount(
            configuration, height: plan.windowHeight, width: plan.windowWidth,
            bands: header.colorBands, threadCount: threads)
        let available = Processors.memoryByteCount
        if needed > available, !othersMayJoin {
            throw ProgramError(
                .exhausted,
                "the fit of one tile needs \(Text.bytes(needed)) of memory, but this host has "
                    + "\(Text.bytes(available)); use a smaller --tile")
        }
        // Bytes as a real number: nothing bounds the product.
        guard Double(needed) * Double(workerCount) > Double(available) else { return [] }
        return [
            "local workers take \(Text.bytes(needed)) of memory each, and there will be "
                + "\(workerCount), but this host has \(Text.bytes(available)) in all; use fewer "
                + "workers or a smaller --tile"
        ]
    }

    /// What is to be said about the largest size that this process's files may have.
    static func checkFileSize(
        _ plan: TilePlan, _ restarts: Int, _ header: ImageHeader
    ) throws -> [String] {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0 else { return [] }
        let allowed = Int(clamping: limit.rlim_cur)
        let tiles =
            restarts
            * plan.folderByteCount(bands: header.colorBands, sampleType: header.sampleType)
        if tiles > allowed {
            throw ProgramError(
                .exhausted,
                "a file of this process may have \(Text.bytes(allowed)), but the one of all tiles "
                    + "takes \(Text.bytes(tiles)); raise the limit (ulimit -f)")
        }
        guard header.writtenByteCount > allowed else { return [] }
        return [
            "a file of this process may have \(Text.bytes(allowed)) (ulimit -f), but the output "
                + "may need \(Text.bytes(header.writtenByteCount))"
        ]
    }

    /// Whether places that a user tells may be meant as the image is shown.
    static func orientationWarnings(_ header: ImageHeader, isTold: Bool) -> [String] {
        guard isTold, header.metadata.orientation != 1 else { return [] }
        return [
            "viewers turn or mirror this image by its orientation tag "
                + "(\(header.metadata.orientation)); regions, masks and guides are taken as its "
                + "pixels are stored, without that"
        ]
    }

    /// Whether fits are too large for checkpoints.
    static func stateWarnings(_ byteCount: Int) -> [String] {
        let limit = WireLimits.stateByteCountMaximum
        guard byteCount > limit else { return [] }
        return [
            "the state of a fit takes up to \(Text.bytes(byteCount)), and \(Text.bytes(limit)) can "
                + "be sent: a tile whose worker dies begins anew; use a smaller --tile"
        ]
    }

    /// Where an output comes to lie, and the free bytes there; nil where nobody can tell.
    private static func room(for output: String) -> (directory: String, byteCount: Int)? {
        let directory = output.lastIndex(of: "/").map { String(output[...$0]) } ?? "."
        return (try? PosixFileSystem().availableByteCount(directory)).map { (directory, $0) }
    }

    /// Whether the output, and maps that are wanted, find room while fits still need the disk.
    var hasRoomForOutput: Bool {
        guard let available = Self.room(for: output)?.byteCount else { return false }
        let header = blend.outputHeader
        let mapCount = [blend.disagreementMap, blend.uncertaintyMap].count { $0 != nil }
        let maps = mapCount * header.width * header.height * MemoryLayout<Float>.size
        return header.writtenByteCount + header.overviewByteCount + maps < available
    }

    /// Whether tiles and output may not find room together. How well the output can be compressed
    /// is not known before, and of a job that goes on tiles are there: then this is no error.
    ///
    /// - Throws: where an output that is not compressed has no room even without tiles.
    static func spaceWarnings(
        _ output: String, _ plan: TilePlan, _ restarts: Int, _ header: ImageHeader
    ) throws -> [String] {
        guard let (directory, available) = room(for: output) else { return [] }
        let isPlain =
            ImageFormats.format(ofOutput: output) == .tiff
            && header.tiffCompression == TIFFCompression.none
        if isPlain, header.writtenByteCount > available {
            throw ProgramError(
                .exhausted,
                "the output needs \(Text.bytes(header.writtenByteCount)), but only "
                    + "\(Text.bytes(available)) are free in \(directory); make room, choose "
                    + "another place with -o, or a --compression")
        }
        // Overviews lie in a scratch file too until they are written.
        let needed =
            header.writtenByteCount + header.overviewByteCount
            + restarts
            * plan.folderByteCount(bands: header.colorBands, sampleType: header.sampleType)
        guard needed > available else { return [] }
        return [
            "tiles and output may need \(Text.bytes(needed)), but only \(Text.bytes(available)) "
                + "are free in \(directory)"
        ]
    }
}
