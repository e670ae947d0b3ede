// What has happened, in sentences for people.

extension ProgressEvent {
    /// For people; nil where nothing needs to be said.
    func sentence(restarts: Int) -> String? {
        let unit = Text.unit(restarts: restarts)
        let name = facts.tile.map { "\(unit) \($0)" } ?? "a \(unit)"
        let why = facts.reason.map { ": \($0)" } ?? ""
        switch facts.event {
        case .begun: return "the work begins"
        case .progress: return nil
        case .tileFinished: return "\(name) is stored"
        case .tileFailed:
            let (attempt, worker) = (facts.attempt ?? 0, facts.worker ?? "-")
            return "attempt \(attempt) of \(name) on \(worker)\(why)"
        case .tileSetAside: return "\(name) is given up\(why)"
        case .workerJoined: return "\(facts.worker ?? "-") of \(facts.host ?? "-") has joined"
        case .workerLeft: return "\(facts.worker ?? "-") has left\(why)"
        case .message: return facts.message
        case .done: return "the output is in its place" + (unrestoredWords.map { "; \($0)" } ?? "")
        case .failed: return "there is no output\(why)"
        }
    }

    /// How the program ends, for people; nil at all events but the last one.
    public var ending: String? {
        switch facts.event {
        case .done:
            let place = "The output is in its place: \(facts.output ?? "")."
            guard let unrestoredWords else { return place }
            return "\(place) \(unrestoredWords), with the input's pixels (exit code 2); the same "
                + "command with --retry-failed tries again."
        case .failed: return "There is no output: \(facts.reason ?? "")."
        default: return nil
        }
    }

    var isLast: Bool { facts.event == .done || facts.event == .failed }

    private var unrestoredWords: String? {
        facts.unrestored.flatMap {
            $0 > 0 ? "\(Text.count($0, "tile")) came through unrestored" : nil
        }
    }
}
