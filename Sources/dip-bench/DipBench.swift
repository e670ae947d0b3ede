// dip-bench: checks the engine against reference files and times it.

import ArgumentParser
import Imaging
import NeuralNetwork
import Version

@main
struct DipBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dip-bench",
        abstract: """
            Check the training engine against reference files, and time it and the way through the \
            job's folder; look for seams.
            """,
        version: ProgramVersion.report("dip-bench", EngineFacts.all + CodecLibraries.all),
        subcommands: [
            Golden.self, Ladder.self, Step.self, FitImage.self, BlendCommand.self, Seams.self,
        ])
}
