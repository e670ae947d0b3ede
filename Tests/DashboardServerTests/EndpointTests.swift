// What is answered to what.

import Dashboard
import Foundation
import Synchronization
import Testing

@testable import DashboardServer

@Suite("Endpoints")
struct EndpointTests {
    private let job = SampleJob()
    private let token = AccessRules.makeToken()

    private func answer(
        _ method: String, _ target: String, _ headers: [String: String] = [:], body: String = "",
        host: String = "127.0.0.1"
    ) throws -> Response {
        let endpoints = Endpoints(
            watched: job, pictures: PictureMaker(job),
            rules: AccessRules(token: token, host: host, ownName: "h"))
        return endpoints.answer(try .sample(method, target, headers, body: body))
    }

    private func object(_ target: String) throws -> [String: Any] {
        let response = try answer("GET", target)
        #expect(response.status == .ok && response.kind == .json, "\(target)")
        return try #require(
            try JSONSerialization.jsonObject(with: Data(response.body)) as? [String: Any])
    }

    // MARK: What is documented

    /// What the table with this heading names in its first column.
    private func documented(_ heading: String) throws -> [String] {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let document = try String(
            contentsOf: root.appending(path: "docs/DASHBOARD.md"), encoding: .utf8)
        var names: [String] = []
        var isInTable = false
        for line in document.split(separator: "\n", omittingEmptySubsequences: false) {
            guard line.hasPrefix("|") else {
                isInTable = false
                continue
            }
            let cell = line.dropFirst().prefix { $0 != "|" }
            if isInTable { names += cell.matches(of: /`(\w+)`/).map { String($0.1) } }
            if cell == " \(heading) " { isInTable = true }
        }
        #expect(!names.isEmpty, "no table is headed \(heading)")
        return names.sorted()
    }

    private func expect(_ objects: [[String: Any]], areDocumentedAs heading: String) throws {
        let written = Set(objects.flatMap(\.keys)).sorted()
        #expect(try written == documented(heading), "\(heading)")
    }

    @Test func `every field is documented, and no other`() throws {
        job.state.withLock {
            $0.ending = "It ends."
            _ = $0.previews.put(
                fit: 1, iteration: 40, width: 1, height: 1, bands: 1, pixels: [0])
        }
        let status = try object("/api/status")
        try expect([status], areDocumentedAs: "field of `/api/status`")
        try expect(
            [try #require(status["job"] as? [String: Any])], areDocumentedAs: "field of `job`")
        try expect([try object("/api/job")], areDocumentedAs: "field of `/api/job`")
        let changes = try object("/api/changes?since=0&event=0")
        // Without a thread there are no pictures.
        try expect(
            [changes, ["pictures": 0]], areDocumentedAs: "field of `/api/changes`")
        let tile = try object("/api/tiles/1")
        try expect([tile], areDocumentedAs: "field of `/api/tiles/N`")
        try expect(
            try #require(tile["fits"] as? [[String: Any]]), areDocumentedAs: "field of a fit")
        try expect(
            try #require(changes["workers"] as? [[String: Any]]),
            areDocumentedAs: "field of a worker")
        try expect(
            try #require(changes["events"] as? [[String: Any]]),
            areDocumentedAs: "field of an event")
        #expect(
            try documented("`action`")
                == (ControlRequest.Action.allCases.map(\.rawValue)).sorted())
    }

    @Test func `what was damaged is on the left of each line, and said to be there`() throws {
        let page = String(decoding: try answer("GET", "/").body, as: UTF8.self)
        let sliders = page.components(separatedBy: "<label class=\"slider\">").dropFirst()
        #expect(sliders.count == 2)
        for slider in sliders {
            let names = slider.matches(of: /<span>(\w+)<\/span>/).prefix(2).map(\.1)
            #expect(names == ["Damaged", "Restored"])
        }
        // The picture of what was damaged lies above the other, and is cut off on its right.
        let script = String(decoding: try answer("GET", "/tile.js").body, as: UTF8.self)
        #expect(script.contains("before.style.clipPath = `inset(0 ${Math.max(right, 0)}px 0 0)`"))
    }

    // MARK: Looking

    @Test func `a page hears what has changed, and no more`() throws {
        let first = try object("/api/changes?since=0&event=0&picture=0&fit=4")
        #expect(job.state.withLock { $0.focus } == 4)
        let revision = try #require(first["revision"] as? Int)
        let event = try #require((first["events"] as? [[String: Any]])?.last?["number"] as? Int)
        let target = "/api/changes?since=\(revision)&event=\(event)"
        let second = try object(target)
        #expect((second["fits"] as? [Any])?.isEmpty == true)
        #expect((second["events"] as? [Any])?.isEmpty == true)
        #expect(second["workers"] == nil)
        job.state.withLock {
            $0.record?.take(
                JobRecord.event(.tileSetAside) { ($0.tile, $0.reason) = (5, "it is bad") })
        }
        let third = try object(target)
        let fits = try #require(third["fits"] as? [[String: Any]])
        #expect(fits.map { $0["number"] as? Int } == [5])
        #expect((third["counts"] as? [String: Int])?["setAside"] == 1)
        #expect(third["workers"] != nil)
    }

    @Test func `numbers that are none do not spoil an answer`() throws {
        job.state.withLock { state in
            guard var snapshot = state.record?.snapshot else { return }
            snapshot.workers[0].tile = 2
            (snapshot.workers[0].loss, snapshot.workers[0].psnrToInput) = (.nan, .infinity)
            state.record?.take(snapshot)
        }
        let fits = try #require(try object("/api/tiles/2")["fits"] as? [[String: Any]])
        #expect(fits[0]["loss"] as? String == "NaN")
        #expect(fits[0]["psnrToInput"] as? String == "Infinity")
    }

    @Test func `before the first job there is a page, and nothing about it`() throws {
        job.state.withLock { $0.record = nil }
        for (target, status) in [
            ("/", 200), ("/healthz", 200), ("/metrics", 200), ("/api/status", 503),
            ("/api/job", 503), ("/api/changes", 503), ("/api/tiles/0", 503),
            ("/pictures/given.jpg", 202),
        ] {
            #expect(try answer("GET", target).status.rawValue == status, "\(target)")
        }
    }

    @Test func `a job whose loop is not heard is ill`() throws {
        job.state.withLock { $0.secondsSinceHeard = 3 }
        #expect(try answer("GET", "/healthz").status == .ok)
        job.state.withLock { $0.secondsSinceHeard = 40 }
        #expect(try answer("GET", "/healthz").status == .unavailable)
        job.state.withLock { $0.ending = "It ends." }
        #expect(try answer("GET", "/healthz").status == .ok)
    }

    @Test func `what there is not, and what is no way to ask, is refused`() throws {
        for (method, target, status) in [
            ("GET", "/nothing", 404), ("GET", "/../etc/passwd", 404), ("GET", "/api/tiles/6", 404),
            ("GET", "/api/tiles/-1", 404), ("GET", "/api/tiles/x", 404), ("GET", "/api", 404),
            ("GET", "/pictures/tiles/x.jpg", 404), ("GET", "/pictures/tiles/1.png", 404),
            ("GET", "/pictures/tiles/6.jpg", 404), ("GET", "/pictures/fits/6.jpg", 404),
            ("GET", "/pictures/none.jpg", 404),
            ("GET", "/pictures", 404), ("POST", "/", 405), ("DELETE", "/api/status", 405),
            ("GET", "/api/control", 405), ("HEAD", "/api/status", 200),
            ("GET", "/pictures/fits/1.jpg", 202),
            ("GET", "/pictures/windows/99999999999999999999/given.jpg", 404),
        ] {
            #expect(try answer(method, target).status.rawValue == status, "\(method) \(target)")
        }
    }

    @Test func `beyond loopback only what tells nothing needs no token`() throws {
        let pages = ["/", "/page.js", "/style.css", "/healthz"]
        for target in pages + ["/api/status", "/api/changes", "/metrics", "/pictures/given.jpg"] {
            let bare = try answer("GET", target, host: "0.0.0.0")
            #expect((bare.status == .ok) == pages.contains(target), "\(target)")
            let knowing = try answer(
                "GET", target, ["Authorization": "Bearer \(token)"], host: "0.0.0.0")
            #expect([.ok, .accepted].contains(knowing.status), "\(target)")
        }
    }

    // MARK: Changing

    @Test func `what is asked for reaches the job, and what makes no sense does not`() throws {
        let headers = ["Authorization": "Bearer \(token)"]
        for (body, status) in [
            ("{\"action\": \"pause\"}", 202), ("{\"action\": \"resume\"}", 202),
            ("{\"action\": \"stopAndBlend\"}", 202),
            ("{\"action\": \"drain\", \"worker\": \"w\"}", 202),
            ("{\"action\": \"drain\", \"worker\": \"nobody\"}", 404),
            ("{\"action\": \"drain\"}", 404), ("{\"action\": \"explode\"}", 400), ("", 400),
            ("[]", 400), ("{\"action\": 1}", 400), ("\u{0}", 400),
        ] {
            let response = try answer("POST", "/api/control", headers, body: body)
            #expect(response.status.rawValue == status, "\(body)")
        }
        #expect(
            job.state.withLock { $0.controls }
                == [.pause, .resume, .stopAndBlend, .drain(worker: "w")])
        job.state.withLock { $0.controlsMaximum = 0 }
        let full = try answer(
            "POST", "/api/control", headers, body: "{\"action\": \"pause\"}")
        #expect(full.status == .unavailable)
    }

    @Test func `without the token nothing is changed`() throws {
        let body = "{\"action\": \"pause\"}"
        #expect(try answer("POST", "/api/control", body: body).status == .unauthorized)
        let foreign = ["Authorization": "Bearer \(token)", "Origin": "http://evil.example"]
        #expect(try answer("POST", "/api/control", foreign, body: body).status == .forbidden)
        let rebound = ["Authorization": "Bearer \(token)", "Host": "evil.example"]
        #expect(try answer("POST", "/api/control", rebound, body: body).status == .misdirected)
        #expect(job.state.withLock { $0.controls }.isEmpty)
    }

    @Test func `the page asks nobody else, and its scripts are its own`() throws {
        let page = String(decoding: try answer("GET", "/").body, as: UTF8.self)
        #expect(page.contains("<script type=\"module\" src=\"/page.js\">"))
        #expect(page.matches(of: /<script/).count == 1 && !page.contains("style=\""))
        var files = Set(page.matches(of: /(?:src|href)="([^"#]+)"/).map { String($0.1) })
        for file in files where file.hasSuffix(".js") {
            let script = String(decoding: try answer("GET", file).body, as: UTF8.self)
            files.formUnion(script.matches(of: /from "([^"]+)"/).map { String($0.1) })
        }
        for file in files {
            let response = try answer("GET", file)
            #expect(response.status == .ok, "\(file)")
            let text = String(decoding: response.body, as: UTF8.self)
            // The name of SVG is no address.
            let foreign = text.replacing("http://www.w3.org/2000/svg", with: "")
                .matches(of: /(?:https?:)?\/\/[a-z0-9-]+\.[a-z]+/)
            #expect(foreign.isEmpty, "\(file): \(foreign.map(\.0))")
        }
        let head = String(
            decoding: try answer("GET", "/").bytes(keepsConnection: true), as: UTF8.self)
        #expect(head.contains("Content-Security-Policy: default-src 'none'; script-src 'self';"))
    }
}
