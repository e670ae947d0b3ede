// dip-coord: restores a large image tile by tile on many worker processes.
//
// Commands/ holds what a user can ask for, Running/ what happens during a restoration. There, two
// threads share the work: the main one owns the socket and the state machine (CoordinatorLoop), the
// other one the input image, the job's folder and the output (StorageThread).

import ArgumentParser
import DeepImagePrior
import Glibc
import Imaging
import Transport
import Version

@main
struct DipCoord: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dip-coord",
        abstract: "Restore large images with the Deep Image Prior, on many processes and hosts.",
        usage: """
            dip-coord <file> [options]
            dip-coord <subcommand>
            """,
        discussion: """
            The image is cut into overlapping tiles; each is restored by a small network that a \
            dip-worker fits to that tile alone, and the tiles are blended into one image. Nothing \
            but the damaged image is needed. PNG, TIFF and JPEG are read and written.

            The options of a restoration: dip-coord help restore

            Exit codes:
                0  done
                1  failed
                2  done, but some tiles came through unrestored (--retry-failed)
               64  wrong usage
               65  the input is no image that can be read
               66  no such input
               69  no worker, or the address to listen at is taken
               73  the output, or the endpoint file, cannot be written
               74  standard output or the report cannot be written
               75  out of memory, disk or another limit; the same command goes on
               78  the job's folder holds another job (--fresh starts over)
              130  interrupted (SIGINT, SIGTERM, SIGHUP); the same command goes on

            Examples:
              dip-coord big.tif               writes big.restored.tif, uses every core
              dip-coord plan big.tif          tiles, memory and time; runs nothing
              dip-coord status big.restored.tif.dip
                                              how far that job is
              dip-coord presets               what --preset knows, and what it costs
              dip-coord compare a.png b.png   PSNR and SSIM of two images
              dip-coord keygen keys           keys for workers of other hosts
            """,
        version: ProgramVersion.report("dip-coord", facts),
        subcommands: [
            RestoreCommand.self, PlanCommand.self, PresetsCommand.self, StatusCommand.self,
            CompareCommand.self, KeygenCommand.self,
        ],
        defaultSubcommand: RestoreCommand.self)

    /// Libraries and what computes, each with its version.
    static var facts: [ProgramVersion.Fact] {
        FitEngine.facts + [("libzmq", MessagingLibrary.version)] + CodecLibraries.all
    }

    static func main() {
        ProgramStart.ignoreSignalsOfWriting()
        ProgramStart.openStandardStreams()
        ProgramStart.restartWithSingleBLASThread()
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            Glibc.exit(ProgramError.report(error))
        }
    }
}
