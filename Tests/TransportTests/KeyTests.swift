import Foundation
import Testing

@testable import Transport

/// Keys in files and folders, and who may enter.
struct KeyTests {
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("keys-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    private func message(_ body: () throws -> Void) -> String {
        do {
            try body()
            return ""
        } catch {
            return "\(error)"
        }
    }

    private func mode(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return try #require(attributes[.posixPermissions] as? Int)
    }

    @Test func `keys come back from their files, and the secret is for its owner alone`() throws {
        try withFolder { folder in
            let pair = try CurveKeyPair()
            try KeyFile.write(pair, at: folder + "/a.key")
            #expect(try KeyFile.pair(at: folder + "/a.key_secret") == pair)
            #expect(try KeyFile.publicKey(at: folder + "/a.key") == pair.publicKey)
            #expect(try KeyFile.publicKey(at: folder + "/a.key_secret") == pair.publicKey)
            #expect(try mode(folder + "/a.key_secret") == 0o600)
            let text = try String(contentsOfFile: folder + "/a.key", encoding: .utf8)
            #expect(!text.contains(pair.secretKey))
            #expect(
                message { try KeyFile.write(pair, at: folder + "/a.key") }.contains("it exists"))
        }
    }

    @Test func `files as czmq and pyzmq write them are read`() {
        let text = """
            #   ****  Generated on 2026-01-01 by pyzmq  ****
            #   ZeroMQ CURVE **Secret** Certificate

            metadata
                name = "public-key = none"
            curve
                public-key = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
            \tsecret-key = 'D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs'
            """
        let values = KeyFile.values(in: text)
        #expect(values["public-key"] == "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID")
        #expect(values["secret-key"] == "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs")
    }

    @Test func `what is no key, belongs to another or can be read by others is refused`() throws {
        try withFolder { folder in
            let (one, other) = (try CurveKeyPair(), try CurveKeyPair())
            let path = folder + "/a.key_secret"
            func write(_ text: String, mode: Int = 0o600) throws {
                try text.write(toFile: path, atomically: true, encoding: .utf8)
                try FileManager.default.setAttributes(
                    [.posixPermissions: mode], ofItemAtPath: path)
            }
            try write(KeyFile.text(one, withSecret: true), mode: 0o640)
            #expect(message { _ = try KeyFile.pair(at: path) }.contains("can be read by others"))
            try write(
                KeyFile.text(one, withSecret: true)
                    .replacingOccurrences(of: one.publicKey.text, with: other.publicKey.text))
            #expect(message { _ = try KeyFile.pair(at: path) }.contains("belong together"))
            for text in ["", "curve\n", "curve\n  public-key = \"short\"", "\0\u{1}\n=\"=\n curve"]
            {
                try write(text)
                #expect(
                    message { _ = try KeyFile.pair(at: path) }.contains("holds no public-key"),
                    "\(text)")
            }
            #expect(message { _ = try KeyFile.pair(at: folder) }.contains("not a file of keys"))
            #expect(message { _ = try KeyFile.pair(at: folder + "/b") }.contains("cannot read"))
        }
    }

    @Test func `a folder of keys has what each side needs, and replaces nothing`() throws {
        try withFolder { folder in
            let keys = KeyFolder(folder + "/keys")
            let place = try keys.make(worker: "worker")
            let coordinator = try keys.coordinator()
            #expect(
                try KeyFile.publicKey(at: place + "/coordinator.key") == coordinator.publicKey)
            #expect(keys.workers() == [try KeyFolder(place).worker().publicKey])
            #expect(message { _ = try keys.make(worker: "worker") }.contains("not replaced"))
            let second = try keys.make(worker: "host-2")
            #expect(try keys.coordinator() == coordinator)
            #expect(keys.workers()?.count == 2)
            #expect(try KeyFolder(second).worker() != KeyFolder(place).worker())
            for name in ["", "a/b", "..", ".a", "workers", "a b", "coordinator.key"] {
                #expect(message { _ = try keys.make(worker: name) }.contains("name"), "\(name)")
            }
        }
    }

    @Test func `without a worker's key nobody could join, which is said`() throws {
        try withFolder { folder in
            let keys = KeyFolder(folder)
            #expect(message { _ = try keys.coordinator() }.contains("cannot read"))
            _ = try keys.make(worker: "worker")
            try FileManager.default.removeItem(atPath: folder + "/workers/worker.key")
            #expect(message { _ = try keys.coordinator() }.contains("nobody could join"))
        }
    }

    @Test func `a list of workers that cannot be read is not told as an empty one`() throws {
        try withFolder { folder in
            let (keys, list) = (KeyFolder(folder), folder + "/workers")
            _ = try keys.make(worker: "worker")
            // A folder in the place of the file, since root may read every file.
            try FileManager.default.removeItem(atPath: list + "/worker.key")
            try FileManager.default.createDirectory(
                atPath: list + "/worker.key", withIntermediateDirectories: false)
            #expect(
                message { _ = try keys.coordinator() } == "\(list)/worker.key is not a file of keys"
            )
            try FileManager.default.removeItem(atPath: list)
            try Data().write(to: URL(fileURLWithPath: list))
            #expect(
                message { _ = try keys.coordinator() }.hasPrefix(
                    "cannot read \(list): Not a directory; "))
        }
    }

    @Test func `a list that cannot be read for a while lets in whom it named, and refuses nobody`()
        throws
    {
        let (listed, other) = (try CurveKeyPair().publicKey, try CurveKeyPair().publicKey)
        var list: Set<CurvePublicKey>?
        var door = Authenticator.Door(workers: { list }, local: [])
        func ask(_ key: CurvePublicKey, at seconds: Double) throws -> (String, isRefusal: Bool) {
            let request = ["1.0", "7", "dip", "10.0.0.1", "", "CURVE"].map { Array($0.utf8) }
            let (reply, refusal) = door.answer(
                request + [try bytes(key)], now: .seconds(seconds))
            return (String(decoding: reply[2], as: UTF8.self), refusal != nil)
        }
        #expect(try ask(listed, at: 0) == ("300", false))
        list = [listed]
        #expect(try ask(listed, at: 1) == ("200", false))
        list = nil
        #expect(try ask(listed, at: 2) == ("200", false))
        #expect(try ask(other, at: 3) == ("400", true))
        list = []
        #expect(try ask(listed, at: 4) == ("400", true))
    }

    @Test func `a name whose key was withdrawn is taken, and nothing is left of the attempt`()
        throws
    {
        try withFolder { folder in
            let keys = KeyFolder(folder)
            _ = try keys.make(worker: "a")
            _ = try keys.make(worker: "b")
            try FileManager.default.removeItem(atPath: folder + "/workers/a.key")
            for _ in 0..<2 {
                #expect(message { _ = try keys.make(worker: "a") }.contains("not replaced"))
            }
            #expect(keys.workers()?.count == 1)
        }
    }

    @Test func `who is on the list may enter, from when the file is there until it goes`() throws {
        try withFolder { folder in
            let keys = KeyFolder(folder)
            let first = try KeyFolder(try keys.make(worker: "a")).worker().publicKey
            let local = try CurveKeyPair().publicKey
            var door = Authenticator.Door(workers: keys.workers, local: [local])
            func ask(
                _ key: CurvePublicKey, from address: String = "10.0.0.1", at seconds: Double,
                mechanism: String = "CURVE"
            ) throws -> String {
                let request = ["1.0", "7", "dip", address, "", mechanism].map { Array($0.utf8) }
                let (reply, refusal) = door.answer(
                    request + [try bytes(key)], now: .seconds(seconds))
                #expect(reply.count == 6 && reply[1] == Array("7".utf8))
                let code = String(decoding: reply[2], as: UTF8.self)
                #expect((refusal == nil) == (code == "200"))
                return code
            }
            #expect(try ask(first, at: 0) == "200")
            #expect(try ask(first, at: 0, mechanism: "PLAIN") == "400")
            let stranger = try CurveKeyPair().publicKey
            #expect(try ask(stranger, at: 0) == "400")
            #expect(try ask(local, from: "127.0.0.1", at: 0) == "200")
            #expect(try ask(local, from: "10.0.0.1", at: 0) == "400")
            let second = try KeyFolder(try keys.make(worker: "b")).worker().publicKey
            #expect(try ask(second, at: 1) == "200")
            try FileManager.default.removeItem(atPath: folder + "/workers/a.key")
            #expect(try ask(first, at: 2) == "400")
            let (reply, refusal) = door.answer([], now: .seconds(3))
            #expect(String(decoding: reply[2], as: UTF8.self) == "400" && refusal?.key == nil)
        }
    }

    private func bytes(_ key: CurvePublicKey) throws -> [UInt8] {
        // Z85 by its definition: five characters are four bytes, base 85.
        let alphabet = Array(
            ("0123456789abcdefghijklmnopqrstuvwxyz" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                + ".-:+=^!/*?&<>()[]{}@%$#").utf8)
        let digits = try key.text.utf8.map { try #require(alphabet.firstIndex(of: $0)) }
        return stride(from: 0, to: 40, by: 5).flatMap { start in
            let value = digits[start..<start + 5].reduce(0) { $0 * 85 + $1 }
            return [24, 16, 8, 0].map { UInt8(value >> $0 & 255) }
        }
    }
}
