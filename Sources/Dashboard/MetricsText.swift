// A job in Prometheus' text format, version 0.0.4.

/// What `/metrics` says. Names and meanings are those of `docs/DASHBOARD.md`.
public struct MetricsText: Sendable {
    /// What a metric's number does.
    public enum Kind: String, Sendable {
        /// It goes up and down.
        case gauge
        /// It grows while the program runs.
        case counter
    }

    public private(set) var text = ""

    public init() {}

    /// A job; before the first one the text is empty.
    public init(_ record: JobRecord) {
        addJob(record.description)
        addFits(record)
        if let snapshot = record.snapshot {
            addProgress(snapshot)
            addWorkers(snapshot.workers)
        }
    }

    /// Adds a metric with all that it says of itself; nothing where it has no samples.
    public mutating func add(
        _ name: String, _ kind: Kind, _ help: String,
        _ samples: [(labels: [(String, String)], value: Double)]
    ) {
        guard !samples.isEmpty else { return }
        text += "# HELP \(name) \(Self.escaped(help))\n# TYPE \(name) \(kind.rawValue)\n"
        for sample in samples {
            let labels = sample.labels.map { "\($0.0)=\"\(Self.escaped($0.1, quotes: true))\"" }
            let list = labels.isEmpty ? "" : "{\(labels.joined(separator: ","))}"
            text += "\(name)\(list) \(Self.number(sample.value))\n"
        }
    }

    /// A single number; nothing where it is not known.
    private mutating func add(_ name: String, _ kind: Kind, _ help: String, _ value: Double?) {
        add(name, kind, help, value.map { [([], $0)] } ?? [])
    }

    private mutating func add(_ name: String, _ kind: Kind, _ help: String, _ value: Int) {
        add(name, kind, help, Double(value))
    }

    // MARK: A job

    private mutating func addJob(_ job: JobDescription) {
        add(
            "dip_job_info", .gauge, "The job that runs, or ran last; always 1.",
            [
                (
                    [
                        ("job", job.job), ("task", job.task), ("preset", job.preset),
                        ("version", job.version),
                    ], 1
                )
            ])
        add(
            "dip_job_start_time_seconds", .gauge, "When the program began, since 1970.",
            job.beganAt)
        add(
            "dip_iterations_per_tile", .gauge, "The most iterations that a fit is to have.",
            job.iterationsPerTile)
    }

    private mutating func addFits(_ record: JobRecord) {
        let counts = record.counts
        add(
            "dip_fits", .gauge, "Fits of tiles by state.",
            JobRecord.State.allCases.map { ([("state", $0.label)], Double(counts[$0] ?? 0)) })
    }

    private mutating func addProgress(_ snapshot: ProgressSnapshot) {
        add(
            "dip_phase", .gauge, "1 for what is being done.",
            ProgressSnapshot.Phase.allCases.map {
                ([("phase", $0.rawValue)], $0 == snapshot.phase ? 1 : 0)
            })
        add(
            "dip_done_ratio", .gauge, "How much of the phase is done, 0 to 1.", snapshot.share)
        add(
            "dip_elapsed_seconds", .gauge, "Since the program began.", snapshot.secondsElapsed)
        let bounds: [(String, Double?)] = [
            ("low", snapshot.secondsLeftLow), ("likely", snapshot.secondsLeft),
            ("high", snapshot.secondsLeftHigh),
        ]
        add(
            "dip_time_left_seconds", .gauge,
            "The forecast of the time left, later phases and pages included.",
            bounds.compactMap { name, value in value.map { ([("bound", name)], $0) } })
        add(
            "dip_iterations_done", .gauge,
            "Iterations of finished fits of this run, and of those at work.",
            snapshot.iterationsDone)
        add(
            "dip_iterations_lost_total", .counter, "Iterations that had to be done again.",
            snapshot.iterationsLost)
        add(
            "dip_iterations_per_second", .gauge, "Of all workers that are heard.",
            snapshot.iterationsPerSecond)
        add(
            "dip_psnr_to_input_decibels", .gauge, "The mean over tiles to their given pixels.",
            snapshot.psnrToInput)
        add("dip_workers", .gauge, "Workers that are known and not given up.", snapshot.workerCount)
        add("dip_retries_total", .counter, "Tries at tiles that failed.", snapshot.retries)
        add("dip_second_tries_total", .counter, "Second tries at slow tiles.", snapshot.secondTries)
        add(
            "dip_workers_refused_total", .counter, "Workers that were refused.",
            snapshot.workersRefused)
        add(
            "dip_checkpoints_total", .counter, "States of fits that were stored.",
            snapshot.checkpoints)
    }

    private mutating func addWorkers(_ workers: [ProgressSnapshot.Worker]) {
        func samples(
            _ value: (ProgressSnapshot.Worker) -> Double?
        ) -> [(labels: [(String, String)], value: Double)] {
            workers.compactMap { worker in
                value(worker).map { ([("worker", worker.name), ("host", worker.host)], $0) }
            }
        }
        add(
            "dip_worker_fitting", .gauge, "1 for a worker that is fitting a tile, else 0.",
            samples { $0.activity == .fitting ? 1 : 0 })
        add(
            "dip_worker_silent_seconds", .gauge, "Since the worker was last heard.",
            samples(\.silentSeconds))
        add(
            "dip_worker_iterations_per_second", .gauge, "Of the worker, as it was lately.",
            samples(\.iterationsPerSecond))
        add(
            "dip_worker_iteration", .gauge, "Iterations done of the worker's tile.",
            samples { $0.iteration.map(Double.init) })
        add(
            "dip_worker_loss", .gauge, "Of the worker's latest iteration.", samples(\.loss))
    }

    // MARK: Text

    /// As the format wants it: whole numbers without a point, NaN and infinities by name.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if value == value.rounded(), value.magnitude < 1e15 { return "\(Int(value))" }
        return "\(value)"
    }

    private static func escaped(_ text: String, quotes: Bool = false) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}

extension JobRecord.State {
    /// In words with underscores, as labels have them.
    var label: String { self == .setAside ? "set_aside" : rawValue }
}
