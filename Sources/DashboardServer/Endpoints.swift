// What is answered under which path.

import Dashboard
import FoundationEssentials
import Imaging

/// The server without its sockets: a request goes in, an answer comes out.
struct Endpoints: Sendable {
    /// A job whose loop says nothing for longer is ill.
    static let healthySilenceSeconds = 15.0

    let watched: any WatchedJob
    let pictures: PictureMaker
    let rules: AccessRules

    private static let files: [String: (kind: Response.Kind, bytes: [UInt8])] = [
        "/": (.html, PackageResources.index_html),
        "/style.css": (.style, PackageResources.style_css),
        "/page.js": (.script, PackageResources.page_js),
        "/mosaic.js": (.script, PackageResources.mosaic_js),
        "/lists.js": (.script, PackageResources.lists_js),
        "/tile.js": (.script, PackageResources.tile_js),
        "/curves.js": (.script, PackageResources.curves_js),
        "/server.js": (.script, PackageResources.server_js),
        "/icon.svg": (.icon, PackageResources.icon_svg),
    ]

    func answer(_ request: Request) -> Response {
        do throws(AccessRules.Refusal) {
            try rules.checkHost(request)
            if request.path == "/api/control" {
                guard request.method == "POST" else { return Self.notAllowed("POST") }
                try rules.checkChange(request)
                return control(request)
            }
            guard ["GET", "HEAD"].contains(request.method) else {
                return Self.notAllowed("GET, HEAD")
            }
            // They tell nothing of the job.
            if let file = Self.files[request.path] {
                return Response(kind: file.kind, body: file.bytes)
            }
            if request.path == "/healthz" { return health }
            try rules.checkReading(request)
            return read(request)
        } catch {
            return .sentence(error.status, error.sentence)
        }
    }

    private static func notAllowed(_ methods: String) -> Response {
        var response = Response.sentence(
            .methodNotAllowed, "This is asked for with \(methods).")
        response.headers = [("Allow", methods)]
        return response
    }

    private static let noJob = Response.sentence(
        .unavailable, "The job has not begun yet; ask again soon.")

    // MARK: Looking

    private func read(_ request: Request) -> Response {
        let parts = request.path.split(separator: "/").map(String.init)
        switch (parts.first, parts.count) {
        case ("api", 2) where parts[1] == "status":
            let ending = watched.ending
            return watched.read { StatusAnswer($0, ending: ending) }.map { .json($0) }
                ?? Self.noJob
        case ("api", 2) where parts[1] == "job":
            return watched.read(\.description).map { .json(JobAnswer($0)) } ?? Self.noJob
        case ("api", 2) where parts[1] == "changes": return changes(request)
        case ("api", 3) where parts[1] == "tiles": return tile(parts[2])
        case ("metrics", 1):
            let text = watched.read(MetricsText.init)?.text ?? ""
            return Response(kind: .metrics, body: Array(text.utf8))
        case ("pictures", _): return picture(Array(parts.dropFirst()))
        default: return .sentence(.notFound, "There is nothing under \(request.path).")
        }
    }

    private var health: Response {
        guard let seconds = watched.secondsSinceHeard, watched.ending == nil,
            seconds > Self.healthySilenceSeconds
        else { return .sentence(.ok, "ok") }
        return .sentence(
            .unavailable, "The job's loop has not been heard for \(Int(seconds)) s.")
    }

    private func changes(_ request: Request) -> Response {
        watched.pageIsOpen(lookingAt: request.number("fit"))
        let since = request.number("since") ?? 0
        let event = request.number("event") ?? 0
        let ending = watched.ending
        let standing = pictures.standing(since: request.number("picture") ?? 0).map {
            ChangesAnswer.Pictures(
                rowsGiven: $0.rowsGiven, revision: $0.revision, painted: $0.painted)
        }
        guard
            let (answer, fits) = watched.read({ record in
                let fits = record.fits(changedSince: since)
                let events = Array(record.events.drop { $0.number <= event })
                // Nothing happens to a worker without an event.
                let workers = since == 0 || !events.isEmpty ? record.workers : nil
                let answer = ChangesAnswer(
                    job: record.description.job, revision: record.revision,
                    progress: record.snapshot, counts: record.countsByName, fits: [],
                    workers: workers, events: events, pictures: standing, ending: ending)
                return (answer, fits)
            })
        else { return Self.noJob }
        let previews = watched.previewIterations(fits.map(\.number))
        var whole = answer
        whole.fits = fits.map {
            FitAnswer($0.number, $0.fit, preview: previews[$0.number], hasCurve: false)
        }
        return .json(whole)
    }

    private func tile(_ text: String) -> Response {
        let found = watched.read { record -> (TileAnswer, [(Int, JobRecord.Fit)])? in
            let job = record.description
            guard let tile = Int(text), job.windows.indices.contains(tile) else { return nil }
            let fits = (tile * job.restarts..<(tile + 1) * job.restarts).map {
                ($0, record.fits[$0])
            }
            return (TileAnswer(tile: tile, window: job.windows[tile], fits: []), fits)
        }
        guard let found else { return Self.noJob }
        guard let (answer, fits) = found else {
            return .sentence(.notFound, "The job has no tile \(text).")
        }
        let previews = watched.previewIterations(fits.map(\.0))
        var whole = answer
        whole.fits = fits.map { FitAnswer($0.0, $0.1, preview: previews[$0.0], hasCurve: true) }
        return .json(whole)
    }

    // MARK: Pictures

    private func picture(_ parts: [String]) -> Response {
        let last = parts.last.flatMap { $0.hasSuffix(".jpg") ? $0.dropLast(4) : nil } ?? ""
        do throws(ImageError) {
            let bytes: [UInt8]?
            switch (parts.first, parts.count, last) {
            case ("given.jpg", 1, _): bytes = try pictures.given()
            case ("restored.jpg", 1, _): bytes = try pictures.restored()
            case ("tiles", 2, _):
                guard let tile = number(last, below: \.windows.count) else { return Self.noPicture }
                bytes = try pictures.cell(tile)
            case ("fits", 2, _):
                guard let fit = number(last, below: \.fitCount) else { return Self.noPicture }
                guard let preview = watched.preview(fit) else { return Self.noPictureYet }
                bytes = try PictureMaker.jpeg(preview)
            case ("windows", 3, "given"), ("windows", 3, "restored"):
                guard let tile = number(parts[1], below: \.windows.count) else {
                    return Self.noPicture
                }
                bytes = pictures.window(.init(tile: tile, isRestored: last == "restored"))
            default: return Self.noPicture
            }
            return bytes.map { Response(kind: .jpeg, body: $0) } ?? Self.noPictureYet
        } catch {
            return .sentence(.failed, "The picture cannot be made: \(error.message).")
        }
    }

    private static let noPicture = Response.sentence(.notFound, "There is no such picture.")

    private static let noPictureYet = Response(
        status: .accepted, body: Array("The picture is not there yet; ask again soon.\n".utf8),
        headers: [("Retry-After", "1")])

    /// A number of the job's; nil for what is none.
    private func number(
        _ text: some StringProtocol, below limit: (JobDescription) -> Int
    ) -> Int? {
        guard let number = Int(text), number >= 0,
            let limit = watched.read({ limit($0.description) }), number < limit
        else { return nil }
        return number
    }

    // MARK: Changing

    private func control(_ request: Request) -> Response {
        let actions = ControlRequest.Action.allCases.map(\.rawValue).joined(separator: ", ")
        guard
            let wanted = try? JSONDecoder().decode(ControlRequest.self, from: Data(request.body))
        else {
            return .sentence(
                .badRequest,
                "A JSON object is wanted whose action is one of \(actions), and whose worker is "
                    + "one to drain.")
        }
        let control: JobControl
        switch wanted.action {
        case .pause: control = .pause
        case .resume: control = .resume
        case .stopAndBlend: control = .stopAndBlend
        case .drain:
            let names = watched.read { $0.snapshot?.workers.map(\.name) ?? [] } ?? []
            guard let worker = wanted.worker, names.contains(worker) else {
                return .sentence(.notFound, "No worker of this name is here.")
            }
            control = .drain(worker: worker)
        }
        guard watched.want(control) else {
            return .sentence(
                .unavailable, "Too much is asked for that waits already; ask again later.")
        }
        return .json(["action": wanted.action.rawValue], .accepted)
    }
}
