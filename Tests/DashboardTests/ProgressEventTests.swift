import Dashboard
import Foundation
import Testing

struct ProgressEventTests {
    /// With every field that an event can have.
    private static var complete: ProgressEvent {
        var event = ProgressEvent(.progress, time: 1.5)
        event.job = "j"
        (event.tile, event.attempt, event.iterations, event.exitCode) = (1, 2, 3, 0)
        (event.seconds, event.psnr, event.loss) = (4.5, 20, 0.5)
        (event.worker, event.host, event.reason) = ("w", "h", "r")
        (event.message, event.output, event.unrestored) = ("m", "o", 0)
        event.snapshot = .complete
        return event
    }

    private static func object(_ event: ProgressEvent) throws -> [String: Any] {
        let bytes = try Text.json(event, indented: false)
        return try #require(
            try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    }

    private static var document: String {
        get throws {
            let root = URL(filePath: #filePath).deletingLastPathComponent()
                .deletingLastPathComponent().deletingLastPathComponent()
            return try String(
                contentsOf: root.appending(path: "docs/PROGRESS.md"), encoding: .utf8)
        }
    }

    /// What the tables of fields name in their first column.
    private static func documented(_ heading: (Substring) -> Bool) throws -> [String] {
        var names: [String] = []
        var isInTable = false
        for line in try document.split(separator: "\n", omittingEmptySubsequences: false) {
            guard line.hasPrefix("|") else {
                isInTable = false
                continue
            }
            let cell = line.dropFirst().prefix { $0 != "|" }
            if isInTable { names += cell.matches(of: /`(\w+)`/).map { String($0.1) } }
            if heading(cell) { isInTable = true }
        }
        return names.sorted()
    }

    @Test func `every field that is written is documented, and no other`() throws {
        let object = try Self.object(Self.complete)
        let worker = try #require((object["workers"] as? [[String: Any]])?.first)
        let (ofWorkers, ofStatus) = (" field of a worker ", " field of a status ")
        let fields = try Self.documented {
            $0.hasPrefix(" field") && $0 != ofWorkers && $0 != ofStatus
        }
        let written = object.keys.sorted()
        #expect(written == fields)
        let workerFields = try Self.documented { $0 == ofWorkers }
        let writtenOfWorker = worker.keys.sorted()
        #expect(writtenOfWorker == workerFields)
    }

    @Test func `every event, phase and activity is documented`() throws {
        let events = try Self.documented { $0 == " event " }
        let kinds = ProgressEvent.Kind.allCases.map(\.rawValue).sorted()
        #expect(kinds == events)
        let text = try Self.document
        for name in ProgressSnapshot.Phase.allCases.map(\.rawValue)
            + ProgressSnapshot.Worker.Activity.allCases.map(\.rawValue)
        {
            #expect(text.contains("`\(name)`"), "\(name)")
        }
    }

    @Test func `an event is one line and comes back as it was`() throws {
        for seed in UInt64(1)...50 {
            var generator = SeededGenerator(seed: seed)
            var event = Self.complete
            event.snapshot = ProgressSnapshot.random(&generator)
            let bytes = try Text.json(event, indented: false)
            #expect(!bytes.contains(UInt8(ascii: "\n")), "seed \(seed)")
            let back = try JSONDecoder().decode(ProgressEvent.self, from: Data(bytes))
            #expect(back == event, "seed \(seed)")
        }
        var plain = ProgressEvent(.tileFinished, time: 1)
        plain.tile = 7
        #expect(
            String(decoding: try Text.json(plain, indented: false), as: UTF8.self)
                == #"{"event":"tileFinished","tile":7,"time":1}"#)
    }
}
