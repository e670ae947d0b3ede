// What people who look on want: other than what is planned, and pictures of what is being done.

import Cluster
import Dashboard
import Transport
import Wire

extension CoordinatorLoop {
    /// Pictures that are asked for in a second, at most: some MiB.
    private static let previewsPerSecondMaximum = 24

    /// Does what people at pages want.
    func attendToControls() throws {
        controlEvent.clear()
        for control in console.watch.takeControls() where ending.summary == nil {
            switch control {
            case .pause:
                log("pauseWanted", "somebody at a page wants the job to rest")
                try tell(.pauseWanted)
            case .resume:
                log("resumeWanted", "somebody at a page wants the job to go on")
                try tell(.resumeWanted)
            case .drain(let name): try drain(name)
            case .stopAndBlend: try stopAndBlend()
            }
        }
    }

    private func drain(_ name: String) throws {
        let worker = WorkerID(rawValue: name)
        guard coordinator.stayingCount > 1 || job.othersMayJoin else {
            return note(
                "worker \(name) stays: it is the only one, and no other can join; pause the job "
                    + "instead", event: "drainRefused")
        }
        note("worker \(name) is asked to leave", event: "drainWanted")
        try tell(.drainWanted(worker))
    }

    private func stopAndBlend() throws {
        guard !job.isPhase else {
            return note(
                "the tiles are not begun, and there is nothing yet that could become the output",
                event: "stopRefused")
        }
        guard coordinator.storedCount > 0 else {
            return note(
                "no \(job.unit) is restored, so there is nothing that could become the output",
                event: "stopRefused")
        }
        note(
            "the job is stopped: what is restored becomes the output, all else stays as it was",
            event: "stopWanted")
        localWorkers.stopStarting()
        try tell(.stopWanted)
    }

    // MARK: Pictures

    /// Asks workers for pictures of tiles that somebody looks at.
    func wantPreviews() throws {
        let wanted = console.watch.wantedPreviews()
        guard !wanted.isEmpty, ending.summary == nil, !job.isPhase
        else { return }
        let fits = coordinator.picturableFits
        for fit in wanted.compactMap({ fits[TileID($0)] }).prefix(Self.previewsPerSecondMaximum) {
            try send(
                .previewWanted(
                    PreviewWanted(
                        job: job.job, work: fit.work,
                        sidePixels: WireLimits.previewSideMaximum)), to: fit.peer)
        }
    }

    /// A picture has arrived. One that is too large, or of a tile that its sender does not have, is
    /// nonsense, or late.
    func take(_ piece: PayloadPiece, of body: Preview, from peer: PeerID) throws {
        let payload: Payload?
        do {
            payload = try previewAssembler.add(piece, of: .preview, for: body.work, from: peer)
        } catch .assemblyFull {
            return try tell(.received(.preview(body), from: peer))
        } catch {
            return try tell(.nonsense(error.description, from: peer))
        }
        try tell(.received(.preview(body), from: peer))
        guard let pixels = payload?.pixels, body.job == job.job,
            let worker = coordinator.worker(at: peer), coordinator.work(of: worker) == body.work
        else { return }
        let (shape, limit) = (pixels.shape, WireLimits.previewSideMaximum)
        guard max(shape.height, shape.width) <= limit, [1, 3].contains(shape.bands) else {
            return try tell(
                .nonsense(
                    "a preview of the shape \(shape), wanted at most \(limit) pixels a side and 1 "
                        + "or 3 bands", from: peer))
        }
        console.watch.takePreview(
            fit: body.tile.rawValue, iteration: body.iteration, width: shape.width,
            height: shape.height, bands: shape.bands, pixels: pixels.pixels)
    }
}
