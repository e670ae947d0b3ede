// The files that a pass writes.

internal import Imaging

/// The pass was cancelled, and has left no output.
public struct BlendCancelled: Error {}

/// Files beside their places, with all or some of their rows; they go with their last owner unless
/// they have been finished.
final class BlendedRows {
    let sink: any ImageSink
    let map: FloatMap?
    let reduced: MapReducer?
    let uncertainty: UncertaintyMap?
    var seams = SeamReport.none

    /// - Parameters:
    ///   - whole: the output's header.
    ///   - part: of what is divided into tiles.
    init(_ facts: BlendFacts, whole: ImageHeader, part: ImageHeader) throws(ImageError) {
        sink = try ImageFormats.createSink(
            facts.output, like: whole, overwrite: facts.replacesOutput)
        map = try facts.disagreementMap.map { path throws(ImageError) in
            try FloatMap(path, of: part)
        }
        reduced = facts.disagreementSideMaximum.map {
            MapReducer(width: part.width, height: part.height, sideMaximum: $0)
        }
        uncertainty = try facts.uncertaintyMap.map { path throws(ImageError) in
            try UncertaintyMap(path, of: whole, region: facts.isCropped ? nil : facts.region)
        }
    }

    deinit {
        sink.abandon()
        map?.abandon()
        uncertainty?.abandon()
    }
}
