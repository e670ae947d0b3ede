// A job as pages and reports describe it.

import Dashboard
import DeepImagePrior
import Imaging
import Transport
import Version
import Wire

extension RestoreJob {
    /// - Parameter beganAt: seconds since 1970.
    func description(beganAt: Double) -> JobDescription {
        var description = JobDescription(
            job: job.rawValue, input: input, output: output, folder: folder,
            task: configuration.task.rawValue, preset: preset.name,
            width: header.width, height: header.height, originX: originX, originY: originY,
            bands: bands,
            windows: (0..<plan.tileCount).map { index in
                let tile = plan.tile(index)
                return JobDescription.Window(
                    x: tile.x, y: tile.y, width: tile.width, height: tile.height)
            },
            overlap: plan.overlap, restarts: restarts,
            iterationsPerTile: configuration.iterations, seed: configuration.seed,
            configuration: configuration.json, command: CommandLine.arguments,
            version: "dip-coord \(ProgramVersion.text) (commit \(ProgramVersion.commit))",
            host: Self.hostName, beganAt: beganAt)
        description.page = page
        return description
    }

    static var hostName: String {
        ThisHost.name ?? "unknown host"
    }
}
