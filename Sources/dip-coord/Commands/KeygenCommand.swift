// dip-coord keygen: keys for workers of other hosts.

import ArgumentParser
import Transport

struct KeygenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keygen",
        abstract: "Make keys, so that nobody but your own workers can join a job.",
        discussion: """
            Makes FOLDER with the coordinator's keys, a list of workers that may join \
            (FOLDER/workers), and a folder for a worker's host (FOLDER/NAME), to be copied there. \
            Called again with another --worker it adds one, also while a job runs; whose file is \
            removed from FOLDER/workers cannot connect again. Several workers may share a key. \
            Files are ZeroMQ certificates, as czmq and pyzmq make them; secrets have mode 0600. \
            Nothing is ever replaced.

            Example:
              dip-coord keygen keys
              scp -r keys/worker other-host:dip-keys
              dip-coord big.tif --listen tcp://0.0.0.0:5555 --keys keys
              ssh other-host dip-worker tcp://this-host:5555 --keys dip-keys
            """)

    @Argument(help: "Where the keys are to lie.", completion: .directory)
    var folder: String

    @Option(help: ArgumentHelp("The worker's name: letters, digits, '-', '_' and '.'."))
    var worker = "worker"

    func run() throws {
        do {
            let place = try KeyFolder(folder).make(worker: worker)
            try StandardStream.printResult(
                "\(folder)/workers/\(worker).key lets \(worker) join; copy \(place) to its host\n")
        } catch let error as KeyError {
            throw ProgramError(error)
        }
    }
}
