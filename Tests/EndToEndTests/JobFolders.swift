// A job's folder as a test sees it, and as a test leaves it in a coordinator's place.

import Foundation
import Glibc
import JobStore
import Testing

extension Session {
    /// The folder of the reference job.
    var jobFolder: String { path("out.png.dip") }

    /// The messages of one kind in the job's event log.
    func events(_ kind: String) -> [String] {
        struct Line: Decodable {
            let event, message: String
        }
        return Files.text(jobFolder + "/events.jsonl").split(separator: "\n")
            .compactMap { try? JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
            .filter { $0.event == kind }.map(\.message)
    }

    /// What `dip-coord status --json` says of the reference job.
    func status(sourceLocation: SourceLocation = #_sourceLocation) throws -> [String: Any] {
        let process = try run(["status", jobFolder, "--json"], atMost: .seconds(10))
        try #require(process.wait() == .exited(0), process.story, sourceLocation: sourceLocation)
        let object = try JSONSerialization.jsonObject(with: Data(process.output.utf8))
        return try #require(object as? [String: Any], sourceLocation: sourceLocation)
    }

    /// What the reference job's `job.json` says of it, and its hyperparameters.
    func describedJob() throws -> (job: [String: Any], configuration: [String: Any]) {
        func object(_ bytes: some Collection<UInt8>) throws -> [String: Any] {
            let object = try JSONSerialization.jsonObject(with: Data(bytes))
            return try #require(object as? [String: Any])
        }
        let file = try #require(Files.bytes(jobFolder + "/job.json"))
        let job = try #require(try object(file)["job"] as? [String: Any])
        return (job, try object(try #require(job["configuration"] as? String).utf8))
    }

    /// What a look into the folder of an output's job finds; nil where there is none.
    private func snapshot(_ output: String) -> JobSnapshot? {
        try? JobSnapshot.read(folder: path(output) + ".dip", fileSystem: PosixFileSystem())
    }

    /// Tiles of the job that are on the disk.
    func storedTileCount(_ output: String) -> Int { snapshot(output)?.state.stored.count ?? 0 }

    /// The reference job's file of tiles.
    var tilesFile: String { jobFolder + "/tiles.bin" }

    /// Where the reference job's tiles lie in their file, whose room is taken at the beginning.
    func slot(_ tile: Int, in file: [UInt8]) -> Range<Int> {
        let byteCount = file.count / Reference.tileCount
        return tile * byteCount..<(tile + 1) * byteCount
    }

    /// The stored tiles of the reference job, with what changes when one is fitted again.
    func storedTiles() throws -> [Int: String] {
        guard let snapshot = snapshot("out.png"), let file = Files.bytes(tilesFile) else {
            return [:]
        }
        return try Dictionary(
            uniqueKeysWithValues: snapshot.state.stored.map { index in
                let tile = try JobStore.openTile(
                    index, inFolder: jobFolder, manifest: snapshot.manifest,
                    fileSystem: PosixFileSystem())
                let attempt = try #require(tile).attempt
                return (index, "attempt \(attempt), \(file[slot(index, in: file)].hashValue)")
            })
    }

    /// Starts the reference job and kills its coordinator when so many tiles are stored.
    func beginReference(killedAfter tileCount: Int, _ more: String...) throws {
        let process = try start(
            Programs.coordinator, Reference.restoration(in: self, "--workers", "2") + more)
        try awaitTiles(tileCount, output: "out.png", of: process)
        process.kill()
        #expect(process.wait() == .signalled(9))
        try eventually("no workers", within: .seconds(10)) { process.descendants.isEmpty }
    }

    /// Changes the folder as a coordinator would have.
    func withJobStore(_ body: (JobStore) throws -> Void) throws {
        let files = PosixFileSystem()
        let manifest = try #require(
            try JobStore.manifest(inFolder: jobFolder, fileSystem: files))
        let store = try JobStore.resume(
            folder: jobFolder, manifest: manifest, fileSystem: files)
        defer { store.close() }
        try body(store)
    }
}
