// What the state machine orders, carried out; and what is said about it.

import Cluster
import Dashboard
import Glibc
import Logging
import Transport
import Wire

extension CoordinatorLoop {
    func carryOut(_ command: Coordinator.Command) throws {
        switch command {
        case .send(let message, let peer):
            if case .welcome = message { welcomed.insert(peer) }
            try send(message, to: peer)
        case .dispatch(let work, let peer, let checkpoint, let retry):
            storage.order(.read(work, for: peer, withState: checkpoint != nil, retry: retry))
        case .store(let work, let peer):
            guard let arrived, arrived.body.work == work else {
                preconditionFailure("\(work) from peer \(peer) is to be stored, but is not here")
            }
            storing[work.tile] = (arrived.body, coordinator.worker(at: peer))
            logReceived(arrived.body, coordinator.worker(at: peer))
            storage.order(.store(work, arrived.payload))
        case .discard(let work, let peer, let reason):
            arrived = nil
            log(
                "discarded",
                "the result of \(work.words(naming: job.name)) was dropped: \(reason)",
                subject(work, coordinator.worker(at: peer)))
        case .storeCheckpoint(let work, let iteration, let peer):
            guard let arrivedState, arrivedState.body.work == work else {
                preconditionFailure("the state of \(work) is to be stored, but is not here")
            }
            storage.order(
                .storeState(work, iteration: iteration, from: peer, arrivedState.bytes))
        case .removeCheckpoint(let tile):
            storage.order(.removeState(tile))
        case .setAside(let tile, let story):
            setAsideStories[tile] = story
            let last = story.last.map(\.reason) ?? "no reason is known"
            console.log(
                .warning,
                "\(job.name(tile)) is given up after \(Text.count(story.count, "attempt")); "
                    + "the last one "
                    + last, event: "setAside", subject(of: tile), reason: last)
            announceSetAside(tile, story)
            record(
                "setAside",
                "\(job.name(tile)): " + story.map(\.description).joined(separator: "; "),
                subject(of: tile))
        case .forget(let peer):
            welcomed.remove(peer)
            outboxes.forget(peer)
            assembler.forget(peer)
            stateAssembler.forget(peer)
            previewAssembler.forget(peer)
        case .note(let what):
            report(what)
        case .finished(let summary):
            begin(ending: summary)
        }
    }

    func send(_ message: Message, to peer: PeerID) throws {
        for frames in try MessageCodec.encode(message) {
            if try !outboxes.send(frames, to: peer, on: router) {
                try tell(.unreachable(peer))
            }
        }
    }

    // MARK: What is said

    /// A stranger must not fill the disk.
    private static let loggedNonsenseCountMaximum = 200

    /// A line for the user where it matters to them, and one in the job's log.
    private func report(_ what: Coordinator.Note) {
        let words = what.words(naming: job.name)
        let isShown = what.isTrouble || job.isVerbose
        console.log(
            isShown ? .notice : .info, words, event: what.name, subject(of: what),
            reason: what.reason)
        if case .nonsense = what,
            coordinator.statistics.nonsenseCount > Self.loggedNonsenseCountMaximum
        {
            return
        }
        record(
            what.name, words, subject(of: what), what.reason, about: what.about,
            isFailure: what.isFailure)
        announce(what)
    }

    /// A line for the user and one in the job's log.
    func note(_ sentence: String, event: String) {
        log(event, sentence, level: .notice)
    }
}

extension Coordinator.Note {
    /// Whether a user wants to read it while all goes well otherwise.
    fileprivate var isTrouble: Bool {
        switch self {
        // Workers that others have started are news; those of this host are watched anyway.
        case .workerJoined(let hello): hello.launchToken == nil
        case .leaseEnded(_, _, let end):
            switch end {
            case .failed, .diverged, .silent, .standing, .dropped, .refused: true
            case .exited, .neverBegan, .goodbye, .superseded, .outpaced, .handedOver: false
            }
        case .workerRefused, .workerWaits, .storingFailed, .leaseResumed, .secondTry,
            .checkpointFailed, .checkpointMissing, .checkpointUseless:
            true
        case .paused, .resumed: true
        case .workerReturned, .workerGone, .lateResult, .nonsense: false
        }
    }

    /// For programs that read the log.
    fileprivate var name: String {
        switch self {
        case .workerJoined: "workerJoined"
        case .workerReturned: "workerReturned"
        case .workerGone: "workerGone"
        case .workerRefused: "workerRefused"
        case .workerWaits: "workerWaits"
        case .leaseEnded: "leaseEnded"
        case .leaseResumed: "leaseResumed"
        case .paused: "paused"
        case .resumed: "resumed"
        case .secondTry: "secondTry"
        case .checkpointFailed: "checkpointFailed"
        case .checkpointMissing: "checkpointMissing"
        case .checkpointUseless: "checkpointUseless"
        case .lateResult: "lateResult"
        case .storingFailed: "storingFailed"
        case .nonsense: "nonsense"
        }
    }
}
