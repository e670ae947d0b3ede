// What comes in: messages of workers, replies of the storage thread.

import Cluster
import Imaging
import Logging
import Transport
import Wire

extension CoordinatorLoop {
    // MARK: Messages

    func take(_ received: ReceivedMessage, from peer: PeerID) throws {
        guard case .frames(let frames) = received else {
            return try tell(.nonsense("a message of too many frames", from: peer))
        }
        let decoded: DecodedMessage
        do {
            decoded = try MessageCodec.decode(frames)
        } catch .protocolMismatch(let seen) {
            return try tell(.protocolMismatch(seen: seen, from: peer))
        } catch {
            return try tell(.nonsense(error.description, from: peer))
        }
        switch decoded.message {
        case .restored(let body):
            // Strangers get an answer, and no memory.
            guard let piece = decoded.piece, welcomed.contains(peer), ending.summary == nil else {
                return try tell(.received(decoded.message, from: peer))
            }
            try take(piece, of: body, from: peer)
        case .checkpoint(let body):
            guard let piece = decoded.piece, welcomed.contains(peer), ending.summary == nil else {
                return try tell(.received(decoded.message, from: peer))
            }
            try take(piece, of: body, from: peer)
        case .preview(let body):
            guard let piece = decoded.piece, welcomed.contains(peer), ending.summary == nil else {
                return try tell(.received(decoded.message, from: peer))
            }
            try take(piece, of: body, from: peer)
        case .progress(let body):
            if welcomed.contains(peer), body.job == job.job,
                body.tile.rawValue < job.fitCount
            {
                tally.progressed(body, of: coordinator.worker(at: peer))
                if body.iteration > 0 { localWorkers.noteProgress() }
            }
            try tell(.received(decoded.message, from: peer))
        default:
            try tell(.received(decoded.message, from: peer))
        }
    }

    private func take(_ piece: PayloadPiece, of body: Restored, from peer: PeerID) throws {
        let payload: Payload?
        do {
            payload = try assembler.add(piece, of: .restored, for: body.work, from: peer)
        } catch .assemblyFull {
            // The worker keeps its result and sends it again; meanwhile it has been heard.
            return try tell(.pieceReceived(body.work, from: peer))
        } catch {
            return try tell(.nonsense(error.description, from: peer))
        }
        guard let payload = payload?.pixels else {
            return try tell(.pieceReceived(body.work, from: peer))
        }
        if let flaw = flaw(of: payload) {
            let failed = Failed(job: body.job, work: body.work, reason: flaw)
            try tell(.received(.failed(failed), from: peer))
            // The worker takes its result for a good one and would offer it for ever.
            if welcomed.contains(peer) {
                try send(.cancel(Cancel(job: body.job, work: body.work)), to: peer)
            }
            return
        }
        arrived = (body, payload)
        try tell(.received(.restored(body), from: peer))
        arrived = nil
    }

    private func take(_ piece: PayloadPiece, of body: Checkpoint, from peer: PeerID) throws {
        let payload: Payload?
        do {
            payload = try stateAssembler.add(piece, of: .checkpoint, for: body.work, from: peer)
        } catch .assemblyFull {
            // A worker that waits for the receipt sends its state again.
            return try tell(.checkpointPieceReceived(body.work, from: peer))
        } catch {
            return try tell(.nonsense(error.description, from: peer))
        }
        guard let bytes = payload?.state else {
            return try tell(.checkpointPieceReceived(body.work, from: peer))
        }
        arrivedState = (body, bytes)
        try tell(.received(.checkpoint(body), from: peer))
        arrivedState = nil
    }

    /// What keeps a result from being a tile of this job; nil when nothing does.
    private func flaw(of payload: PixelPayload) -> String? {
        guard payload.shape == job.resultShape else {
            return "the result has the shape \(payload.shape), wanted \(job.resultShape)"
        }
        let isSound = payload.bytes.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: 4).allSatisfy { offset in
                let bits = bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
                return Float(bitPattern: UInt32(littleEndian: bits)).magnitude < 65504
            }
        }
        return isSound ? nil : "the result has values that are no pixels"
    }

    // MARK: Replies

    func take(_ reply: StorageReply) throws {
        switch reply {
        case .read(let work, let peer, let transfers, let lacksState):
            if lacksState { try tell(.checkpointMissing(work.tile)) }
            guard welcomed.contains(peer), ending.summary == nil else { return }
            if try !outboxes.send(transfers, to: peer, on: router) {
                try tell(.unreachable(peer))
            }
            log(
                "assigned", "\(work.words(naming: job.name)) was sent to peer \(peer)",
                subject(work, coordinator.worker(at: peer)))
        case .readingFailed(let error):
            guard ending.summary == nil else { return }
            brokenError = error
            try tell(.broken(reason: error.message))
        case .stored(let work):
            if let (body, worker) = storing.removeValue(forKey: work.tile) {
                tally.restored(body, by: worker)
                announceFinished(body, worker)
                log(
                    "stored", "\(work.words(naming: job.name)) is stored", subject(work, worker))
            }
            localWorkers.noteProgress()
            try tell(.tileStored(work))
        case .storingFailed(let work, let error):
            storing[work.tile] = nil
            storingError = error
            try tell(.storingFailed(work, reason: error.message))
            try endIfFull(error)
        case .rememberingFailed(let error):
            log("rememberingFailed", error.message, level: .warning)
            try endIfFull(error)
        case .stateStored(let work, let iteration, let peer):
            log(
                "checkpoint", "\(work.words(naming: job.name)) is stored at iteration \(iteration)",
                subject(work, coordinator.worker(at: peer)), level: .debug)
            try tell(.checkpointStored(work, iteration: iteration, from: peer))
        case .storingStateFailed(let work, let iteration, let peer, let error):
            try tell(
                .checkpointFailed(work, iteration: iteration, from: peer, reason: error.message))
        case .blended(let result):
            blended(result)
        case .blendingFailed(let error):
            blendingFailed(error)
        case .finished(let error):
            if let error { ending.warnings.append(error.message) }
            if job.reportFolder == nil { return end(with: nil) }
            storage.order(.takePictures)
        case .pictures(let pictures):
            ending.pictures = pictures
            end(with: nil)
        case .ended:
            ending.isStorageOver = true
        }
    }

    /// A disk that is full stays so until somebody helps: the job ends at once, to be gone on with,
    /// before workers compute what nobody can keep. Other failures may pass; three in a row end
    /// the job.
    private func endIfFull(_ error: ProgramError) throws {
        guard error.code == .exhausted, ending.summary == nil else { return }
        brokenError = error
        try tell(.broken(reason: error.message))
    }
}
