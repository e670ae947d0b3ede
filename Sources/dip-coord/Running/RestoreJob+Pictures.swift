// Where the page's pictures of a job come from.

import Dashboard
import DashboardServer
import Imaging
import JobStore
import Restoration
import Wire

extension RestoreJob {
    /// - Parameter run: that the job was prepared from.
    func pictures(_ run: RestorationRun) -> PictureSource {
        let (input, task, file, header, region) = (run.input, run.task, input, header, blend.region)
        // Pilots' results are curves.
        let (folder, manifest, hasPixels) = (folder, manifest, !isPhase)
        return PictureSource(
            job: job.rawValue, width: header.width, height: header.height, bands: bands,
            isInk: header.colorModel == .cmyk, restarts: restarts,
            kept: PictureSource.Kept(
                strength: blend.strength, known: blend.keepsKnown,
                missing: !blend.fillsMissing
                    && (header.sampleType.isFloatingPoint || header.metadata.nodata != nil)),
            windows: description(beganAt: 0).windows,
            open: {
                let image = try task.enlarged(
                    input.open(file, task, values: header.values))
                return region.map { RegionView(image, $0) } ?? image
            },
            result: { fit in
                guard hasPixels,
                    let tile = try? JobStore.openTile(
                        fit, inFolder: folder, manifest: manifest, fileSystem: PosixFileSystem())
                else { return nil }
                var pixels = [Float](repeating: 0, count: tile.height * tile.width * tile.bands)
                let isRead = pixels.withUnsafeMutableBufferPointer {
                    (try? tile.readRows(0..<tile.height, into: $0)) != nil
                }
                return isRead ? pixels : nil
            })
    }
}
