// What the storage thread does, one order after the other.

import DeepImagePrior
import FoundationEssentials
import Glibc
import Imaging
import JobStore
import Restoration
import Transport
import Wire

/// The image and the job's folder. Once the storage thread runs it is used by that alone, and by
/// the threads that this one waits for: they store results, and make the output.
final class StorageWork {
    private let job: RestoreJob
    private let whole: any ImageSource
    /// What of it the fits see.
    private let given: any ImageSource
    /// What of the guide they get as their input.
    private let guide: (any ImageSource)?
    private let store: JobStore
    /// Makes the output beside the fits of this run; nil before one has come to its end, and when
    /// the output has been asked for.
    private var following: FollowingBlend?
    private var mayFollow: Bool
    private var hasEnded = false

    /// How far the job was before this run.
    var stateAtOpening: JobState { store.stateAtOpening }

    /// - Parameter followsFits: Whether the output may be made beside the fits.
    init(
        job: RestoreJob, source: any ImageSource, guide: Guide?, store: JobStore, followsFits: Bool
    ) {
        self.job = job
        mayFollow = followsFits
        whole = source
        let given = (source as? EnlargedSource)?.given ?? source
        let part = { (image: any ImageSource) -> any ImageSource in
            job.givenRegion.map { RegionView(image, $0) } ?? image
        }
        self.given = part(given)
        self.guide = guide.map { part($0.image) }
        self.store = store
    }

    func run(
        _ orders: Mailbox<StorageOrder>, _ replies: Mailbox<StorageReply>,
        isCancelled: StorageThread.Flag
    ) {
        while !hasEnded {
            var item = pollfd(fd: orders.fileDescriptor, events: Int16(POLLIN), revents: 0)
            poll(&item, 1, -1)
            carryOut(orders.drain(), isCancelled) { replies.post($0) }
        }
    }

    /// Results that wait at the same time are stored together: the disk syncs them in less time
    /// than one after the other, and no reply is sent before all of them are safe. Orders that have
    /// nothing to do with them are carried out meanwhile.
    private func carryOut(
        _ orders: [StorageOrder], _ isCancelled: StorageThread.Flag,
        post: @escaping (StorageReply) -> Void
    ) {
        var rest = orders[...]
        while !hasEnded, !rest.isEmpty {
            let part = rest.prefix { $0.mayOvertakeResults || $0.isResult }
            rest = rest.dropFirst(part.count)
            // What is written down of a result lies in the log before its tile does in the folder.
            for case .log(let line) in part { appendEvent(line) }
            let storing = storeInBackground(part, isCancelled, post)
            for order in part where !order.isResult && !order.isLine {
                if let reply = carryOut(order, isCancelled) { post(reply) }
            }
            storing?.wait()
            guard let order = rest.popFirst() else { return }
            if let reply = carryOut(order, isCancelled) { post(reply) }
        }
    }

    private func storeInBackground(
        _ orders: ArraySlice<StorageOrder>, _ isCancelled: StorageThread.Flag,
        _ post: @escaping (StorageReply) -> Void
    ) -> BackgroundCall<Void>? {
        guard orders.contains(where: \.isResult) else { return nil }
        if mayFollow {
            mayFollow = false
            following = FollowingBlend(job.blend, source: whole, store: store) {
                isCancelled.isRaised
            }
        }
        return BackgroundCall { [self] in
            var results = WaitingResults()
            for case .store(let work, let payload) in orders {
                if !results.hasRoom(for: work, payload) { store(&results, post) }
                results.add(work, payload)
            }
            store(&results, post)
        }
    }

    private func store(_ results: inout WaitingResults, _ post: (StorageReply) -> Void) {
        let waiting = results.takeAll()
        if waiting.count > 1, let shape = waiting.first?.payload.shape {
            do throws(JobStoreError) {
                try store.storeTiles(
                    waiting.map { ($0.work.tile.rawValue, $0.work.attempt, $0.payload.pixels) },
                    shape: (shape.height, shape.width, shape.bands))
                following?.add(waiting.map(\.work.tile.rawValue))
                for result in waiting { post(.stored(result.work)) }
                return
            } catch {
                // Each by itself says which of them it is.
            }
        }
        for result in waiting { post(store(result.work, result.payload)) }
    }

    private func store(_ work: TileAttempt, _ payload: PixelPayload) -> StorageReply {
        reply {
            let shape = payload.shape
            try store.storeTile(
                work.tile.rawValue, attempt: work.attempt,
                shape: (shape.height, shape.width, shape.bands), pixels: payload.pixels)
            following?.add([work.tile.rawValue])
            return .stored(work)
        } or: {
            .storingFailed(work, $0)
        }
    }

    private func carryOut(
        _ order: StorageOrder, _ isCancelled: StorageThread.Flag
    ) -> StorageReply? {
        switch order {
        case .read(let work, let peer, let withState, let retry):
            return reply {
                let state = withState ? stateTransfer(work) : nil
                let beginning = state ?? startTransfer(work)
                return .read(
                    work, for: peer,
                    transfers: [
                        beginning?.pieces,
                        try assignment(work, retry, from: beginning?.iteration),
                    ].compactMap { $0 },
                    lacksState: withState && state == nil)
            } or: {
                .readingFailed($0)
            }
        case .store:
            return nil
        case .remember(let histories):
            do throws(JobStoreError) {
                try store.recordHistories(histories)
                return nil
            } catch {
                return .rememberingFailed(ProgramError(error))
            }
        case .storeState(let work, let iteration, let peer, let bytes):
            return reply {
                try store.storeCheckpoint(
                    tile: work.tile.rawValue, attempt: work.attempt, iteration: iteration,
                    bytes: bytes)
                return .stateStored(work, iteration: iteration, from: peer)
            } or: {
                .storingStateFailed(work, iteration: iteration, from: peer, $0)
            }
        case .removeState(let tile):
            store.removeCheckpoint(tile: tile.rawValue)
            return nil
        case .log(let line):
            appendEvent(line)
            return nil
        case .blend(let setAside):
            return reply {
                .blended(
                    job.isPhase ? try decide(setAside) : try blend(setAside, isCancelled))
            } or: {
                .blendingFailed($0)
            }
        case .finish(let report, let unrestored):
            return reply {
                let keepsBulk = job.keepsFolder || !unrestored.isEmpty
                try store.finish(
                    report: Data(report),
                    completion: .init(
                        endedAt: Double(time(nil)), unrestored: unrestored, keepsBulk: keepsBulk))
                return .finished(nil)
            } or: {
                .finished($0)
            }
        case .takePictures:
            return .pictures(ReportPictures(of: job, input: whole))
        case .end:
            following = nil
            store.close()
            hasEnded = true
            return .ended
        }
    }

    /// A restoration does not fail for want of a line.
    private func appendEvent(_ line: String) { try? store.appendEvent(line) }

    private func reply(
        _ body: () throws -> StorageReply, or failed: (ProgramError) -> StorageReply
    ) -> StorageReply {
        do {
            return try body()
        } catch {
            return failed(ProgramError(error))
        }
    }

    private func blend(
        _ setAside: Set<Int>, _ isCancelled: StorageThread.Flag
    ) throws -> BlendResult {
        let following = following.take()
        var facts = job.blend
        facts.setAside = setAside
        do {
            if let result = try following?.finish(setAside: setAside) { return result }
            return try Blend(facts, source: whole, store: store).run { isCancelled.isRaised }
        } catch let error as ImageError where error.kind == .outputExists {
            throw ProgramError(
                .unwritable,
                "\(job.output) appeared during the run and was left as it is; add --overwrite to "
                    + "replace it, or choose another output with -o")
        }
    }

    /// The last pass of a phase.
    private func decide(_ setAside: Set<Int>) throws -> BlendResult {
        if job.configuration.givesWeights {
            try job.writeStart(store)
        } else {
            try StopFact(job, store, setAside: setAside).write(job, store)
        }
        return BlendResult(seams: .none, damaged: [], unknown: [], warnings: [])
    }

    /// The messages that hand a tile to a worker.
    ///
    /// - Parameters:
    ///   - retry: seeds of this fit that have failed.
    ///   - iteration: of the state that goes before; nil where there is none.
    private func assignment(
        _ work: TileAttempt, _ retry: Int, from iteration: Int?
    ) throws -> MessagePieces {
        let tile = job.tile(of: work.tile)
        let window = tile.reduced(by: job.factor)
        var pixels = try read(window, of: given)
        if let guide {
            pixels = Self.interleaved(
                pixels, bands: job.bands, try read(window, of: guide), bands: job.guideBands)
        }
        let whole = job.blend.header
        return try MessagePieces(
            .assign(
                Assign(
                    job: job.job, work: work, originX: job.originX + tile.x,
                    originY: job.originY + tile.y,
                    checkpointIteration: iteration, imageWidth: whole.width,
                    imageHeight: whole.height,
                    guideBands: job.guideBands == 0 ? nil : job.guideBands,
                    seed: job.seed(of: work.tile, retry: retry),
                    windowIndex: tile.index == work.tile.rawValue ? nil : tile.index)),
            .pixels(PixelPayload(shape: job.assignedShape, pixels: pixels)))
    }

    /// A window as (H, W, C).
    private func read(
        _ window: TilePlan.Tile, of image: any ImageSource
    ) throws(ImageError) -> [Float] {
        let count = window.width * window.height * image.header.colorBands
        var pixels = [Float](repeating: 0, count: count)
        try pixels.withUnsafeMutableBufferPointer { buffer throws(ImageError) in
            try image.readClampedWindow(window, into: buffer)
        }
        return pixels
    }

    /// Of each pixel all bands of `a`, then all of `b`.
    private static func interleaved(
        _ a: [Float], bands aBands: Int, _ b: [Float], bands bBands: Int
    ) -> [Float] {
        var result: [Float] = []
        result.reserveCapacity(a.count + b.count)
        for pixel in 0..<a.count / aBands {
            result += a[pixel * aBands..<(pixel + 1) * aBands]
            result += b[pixel * bBands..<(pixel + 1) * bBands]
        }
        return result
    }

    /// The messages that carry the state of a tile's fit; nil when there is none that can be used.
    /// The weights that a fit begins with travel like a state at iteration 0.
    private func startTransfer(_ work: TileAttempt) -> (pieces: MessagePieces, iteration: Int)? {
        guard let start = job.start else { return nil }
        let message = Message.checkpoint(Checkpoint(job: job.job, work: work, iteration: 0))
        return (try? MessagePieces(message, .state(start))).map { ($0, 0) }
    }

    private func stateTransfer(
        _ work: TileAttempt
    ) -> (pieces: MessagePieces, iteration: Int)? {
        guard
            let checkpoint = try? store.loadCheckpoint(
                tile: work.tile.rawValue, byteCountMax: job.stateByteCountMaximum),
            !checkpoint.bytes.isEmpty
        else { return nil }
        let iteration = checkpoint.iteration
        let message = Message.checkpoint(
            Checkpoint(job: job.job, work: work, iteration: iteration))
        // One that no message can carry is of no use, and no reason to end the job.
        return (try? MessagePieces(message, .state(checkpoint.bytes))).map { ($0, iteration) }
    }
}
