// Who may join, where keys decide it.

import Cluster
import Dashboard
import Transport

/// The keys of a coordinator that listens, and of the workers that it starts itself.
struct CoordinatorKeys {
    let folder: KeyFolder
    let pair: CurveKeyPair
    /// Of this host's own workers; it lasts as long as this process.
    let local: CurveKeyPair

    /// - Throws: where there are none, others can read them, or nobody could join.
    init(folder path: String) throws {
        folder = KeyFolder(path)
        do {
            pair = try folder.coordinator()
        } catch {
            throw ProgramError(error)
        }
        local = try CurveKeyPair()
    }

    /// What a worker of this host reads from its standard input.
    var forChild: [UInt8] { ChildKeys(local, server: pair.publicKey).bytes }
}

/// Connections that came to nothing.
struct Strangers {
    /// Until when a sentence is not repeated.
    var silentUntil: [String: Duration] = [:]
    /// What was told since then.
    var toldSince: Duration = .zero
    var told = 0
    var untold = 0
}

extension CoordinatorLoop {
    /// A worker with wrong keys tries again and again: one note for all of this time, and so many
    /// for all strangers, who may have a key of their own for every connection.
    private static let strangerNoteInterval: Duration = .seconds(30)
    private static let strangerNotesMaximum = 10

    /// Connections that came to nothing, for the user who wonders why a worker does not come.
    func noteStrangers() {
        for refusal in authenticator?.takeRefusals() ?? [] {
            let key = refusal.key.map { "the key \($0)" } ?? "no key"
            noteStranger(
                "a worker at \(refusal.address) with \(key) was refused: it is not on the list of "
                    + "workers")
        }
        while let outcome = router.handshakes?.next() {
            guard outcome == .foreign else { continue }
            noteStranger("somebody without keys, or with another coordinator's, tried to connect")
        }
    }

    /// Says it, unless it or too much was said lately.
    func noteStranger(_ sentence: String, event: String = "strangerRefused") {
        let now = clock.now()
        if now - strangers.toldSince >= Self.strangerNoteInterval {
            (strangers.toldSince, strangers.told) = (now, 0)
        }
        guard now >= strangers.silentUntil[sentence] ?? .zero,
            strangers.told < Self.strangerNotesMaximum
        else {
            strangers.untold += 1
            return
        }
        let more = strangers.untold == 0 ? "" : " (and \(strangers.untold) more connections before)"
        note(sentence + more, event: event)
        strangers.told += 1
        strangers.untold = 0
        // Keys without end are not remembered without end.
        if strangers.silentUntil.count > 100 { strangers.silentUntil = [:] }
        strangers.silentUntil[sentence] = now + Self.strangerNoteInterval
    }
}
