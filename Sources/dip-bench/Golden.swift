// dip-bench golden: the engine against numbers that another program computed.

import ArgumentParser
import DeepImagePrior
import Glibc
import NeuralNetwork
import Safetensors

struct Golden: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compare the engine with reference files made by PyTorch.",
        discussion: """
            Prints, for each file, the largest relative error of output, gradients, weights after \
            three optimizer steps, and losses. Exits with 1 when one is out of tolerance, with 65 \
            when a file is not a reference case.
            """)

    @Argument(
        help: ArgumentHelp("Reference files.", valueName: "file.safetensors"),
        completion: .file())
    var files: [String]

    func run() throws {
        let kernels = try Kernels.forThisMachine()
        print("kernels: \(kernels.name)")
        var isWithinTolerance = true
        for path in files {
            do {
                let deviations = try compare(path, kernels)
                isWithinTolerance = isWithinTolerance && deviations.allSatisfy(\.isWithinTolerance)
            } catch {
                report("\(path): \(error)")
                throw ExitCode(65)
            }
        }
        if !isWithinTolerance { throw ExitCode(1) }
    }

    private func compare(
        _ path: String, _ kernels: Kernels
    ) throws -> [ReferenceCase.Deviation] {
        let reference = try ReferenceCase(SafetensorsFile(parsing: try readFile(path)))
        let deviations = try reference.compare(kernels: kernels)
        print(path)
        for deviation in deviations {
            let verdict = deviation.isWithinTolerance ? "ok" : "OUT OF TOLERANCE"
            print(
                "  " + padded(deviation.quantity, 22) + scientific(deviation.error)
                    + "  (at most \(scientific(deviation.tolerance)))  \(verdict)"
                    + (deviation.worst == deviation.quantity ? "" : "  \(deviation.worst)"))
        }
        return deviations
    }
}
