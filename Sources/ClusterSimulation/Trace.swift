/// What happened last, kept as values and put into words only when somebody wants to read it.
import Cluster
import Wire

struct Trace {
    enum Entry {
        case coordinatorEvent(Coordinator.Event)
        case coordinatorCommand(Coordinator.Command)
        case workerEvent(WorkerID, Worker.Event)
        case workerCommand(WorkerID, Worker.Command)
        case remark(String)

        var description: String {
            switch self {
            case .coordinatorEvent(let event): "coordinator  <- \(Trace.plain(event))"
            case .coordinatorCommand(let command): "coordinator  -> \(Trace.plain(command))"
            case .workerEvent(let worker, let event): "\(worker)  <- \(Trace.plain(event))"
            case .workerCommand(let worker, let command): "\(worker)  -> \(Trace.plain(command))"
            case .remark(let text): "-- \(text)"
            }
        }
    }

    private static let keptCount = 60
    private var entries: [(time: Duration, entry: Entry)] = []
    private var oldest = 0
    /// Gets every line at once.
    var sink: ((String) -> Void)?

    mutating func add(_ entry: @autoclosure () -> Entry, at time: Duration) {
        let entry = (time: time, entry: entry())
        sink?(Self.line(entry))
        if entries.count < Self.keptCount {
            entries.append(entry)
        } else {
            entries[oldest] = entry
            oldest = (oldest + 1) % Self.keptCount
        }
    }

    /// The last entries in words, the oldest first.
    var lines: [String] { (entries[oldest...] + entries[..<oldest]).map(Self.line) }

    private static func line(_ entry: (time: Duration, entry: Entry)) -> String {
        let milliseconds = Int((entry.time / .milliseconds(1)).rounded())
        let thousandths = String(1000 + milliseconds % 1000).dropFirst()
        return "\(milliseconds / 1000).\(thousandths) s  \(entry.entry.description)"
    }

    /// A value's description without the names of modules and types, and without what a greeting
    /// and a welcome say in every run alike.
    private static func plain(_ value: some Any) -> String {
        "\(value)"
            .replacing(#/Optional\("(\w*)"\)/#) { "\($0.1)" }
            .replacing(#/, host: "host".*?processor: "cpu", launchToken: /#, with: ", child: ")
            .replacing(#/configuration: .*?payloadByteCountMaximum: \d+/#, with: "...")
            .replacing(#/\b(Wire|Cluster|Swift)\.(Coordinator\.|Worker\.|Message\.)?/#, with: "")
            .replacing(#/(\w+)\(\1\(/#.ignoresCase(), with: "(")
    }
}
