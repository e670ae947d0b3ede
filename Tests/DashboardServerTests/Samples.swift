// A job that pages look at, and a browser.

import Dashboard
import Foundation
import Glibc
import Imaging
import Synchronization

@testable import DashboardServer

/// A job without a loop.
final class SampleJob: WatchedJob {
    struct State {
        var record: JobRecord?
        var ending: String?
        var secondsSinceHeard: Double?
        var previews = PreviewStore()
        var controls: [JobControl] = []
        var controlsMaximum = 100
        var hasPages = false
        var focus: Int?
        var pictures: PictureSource?
    }

    let state: Mutex<State>

    init(_ record: JobRecord? = .sample()) { state = Mutex(State(record: record)) }

    func read<Value: Sendable>(_ body: (JobRecord) -> Value) -> Value? {
        state.withLock { $0.record.map(body) }
    }

    var ending: String? { state.withLock { $0.ending } }
    var secondsSinceHeard: Double? { state.withLock { $0.secondsSinceHeard } }
    var pictures: PictureSource? { state.withLock { $0.pictures } }
    var hasPages: Bool { state.withLock { $0.hasPages } }
    func preview(_ fit: Int) -> PreviewStore.Picture? { state.withLock { $0.previews[fit] } }

    func previewIterations(_ fits: [Int]) -> [Int: Int] {
        state.withLock { state in
            fits.reduce(into: [:]) { $0[$1] = state.previews[$1]?.iteration }
        }
    }

    func pageIsOpen(lookingAt fit: Int?) {
        state.withLock { ($0.hasPages, $0.focus) = (true, fit) }
    }

    func want(_ control: JobControl) -> Bool {
        state.withLock {
            guard $0.controls.count < $0.controlsMaximum else { return false }
            $0.controls.append(control)
            return true
        }
    }
}

extension JobDescription {
    /// Two rows of three tiles of 64 x 64 pixels, which share 16.
    static func sample(restarts: Int = 1) -> JobDescription {
        var sample = JobDescription(
            job: "j", input: "a.png", output: "b.png", folder: "b.png.dip", task: "denoise",
            preset: "fast", width: 160, height: 112, originX: 0, originY: 0, bands: 3,
            windows: (0..<6).map {
                Window(x: $0 % 3 * 48, y: $0 / 3 * 48, width: 64, height: 64)
            },
            overlap: 16, restarts: restarts, iterationsPerTile: 100, seed: 7,
            configuration: "{}", command: ["dip-coord", "a.png"], version: "0", host: "h",
            beganAt: 1)
        sample.page = JobDescription.Page(number: 1, count: 2)
        return sample
    }
}

extension JobRecord {
    /// With a value in every field that there is.
    static func sample() -> JobRecord {
        var record = JobRecord(.sample())
        record.take(event(.workerJoined) { ($0.worker, $0.host) = ("w", "h") })
        var worker = ProgressSnapshot.Worker(
            name: "w", host: "h", processID: 1, threads: 1, processor: "p", version: "0",
            isLocal: true)
        (worker.activity, worker.tile, worker.attempt) = (.fitting, 1, 1)
        (worker.iteration, worker.iterations) = (40, 100)
        (worker.loss, worker.psnrToInput) = (0.25, 21)
        var snapshot = ProgressSnapshot(phase: .tiles, tilesTotal: 6, iterationsPerTile: 100)
        snapshot.workers = [worker]
        record.take(snapshot)
        record.take(
            event(.tileFailed) {
                ($0.tile, $0.attempt, $0.worker, $0.reason) = (1, 1, "w", "it fell over")
            })
        record.take(snapshot)
        record.take(
            event(.tileFinished) {
                ($0.tile, $0.attempt, $0.iterations, $0.seconds, $0.psnr) = (1, 2, 100, 3, 24)
            })
        record.take(event(.workerLeft) { ($0.worker, $0.reason) = ("w", "its host went") })
        record.take(snapshot)
        return record
    }

    static func event(
        _ kind: ProgressEvent.Kind, _ complete: (inout ProgressEvent) -> Void
    ) -> ProgressEvent {
        var event = ProgressEvent(kind, time: 5)
        complete(&event)
        return event
    }
}

extension Request {
    /// As a browser on this host sends it.
    static func sample(
        _ method: String, _ target: String, _ headers: [String: String] = [:], body: String = ""
    ) throws -> Request {
        var all = ["Host": "127.0.0.1:8080", "Content-Length": "\(body.utf8.count)"]
        all.merge(headers) { $1 }
        let lines = ["\(method) \(target) HTTP/1.1"] + all.map { "\($0.key): \($0.value)" }
        var request = try Request(head: lines.joined(separator: "\r\n").utf8)
        request.body = Array(body.utf8)
        return request
    }
}

/// A connection to a server on loopback, byte by byte.
final class Browser {
    private let descriptor: Int32

    init(port: UInt16, secondsMaximum: Int = 10) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var limit = timeval(tv_sec: secondsMaximum, tv_usec: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        _ = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    deinit { close(descriptor) }

    /// - Returns: whether the server took it.
    @discardableResult
    func send(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }

    /// What has come; nil where the server has gone, or says nothing.
    func receive() -> String? {
        var bytes = [UInt8](repeating: 0, count: 65536)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        return count > 0 ? String(decoding: bytes.prefix(count), as: UTF8.self) : nil
    }

    /// All that comes until the server closes the connection.
    func receiveAll() -> String {
        var text = ""
        while let part = receive() { text += part }
        return text
    }
}
