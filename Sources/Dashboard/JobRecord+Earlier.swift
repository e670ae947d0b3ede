// What earlier runs of a job have written down, taken into its record.

extension JobRecord {
    /// More than any fit has.
    private static let iterationsMaximum = 1 << 32

    /// Takes one event of an earlier run. Numbers outside the plan change nothing.
    ///
    /// To be called after `restore(stored:setAside:)`: a fit's facts count when it is stored.
    public mutating func restore(_ line: EventLine) {
        let subject = line.subject
        switch line.event {
        case "workerJoined": restoreWorker(line)
        case "workerGone", "workerRefused":
            changeWorker(subject.worker) { ($0.leftAt, $0.reason) = (line.time, line.reason) }
        case "leaseEnded":
            guard let number = subject.tile, fits.indices.contains(number),
                line.isFailure ?? true
            else { return }
            noteFailure(
                Failure(
                    time: line.time, fit: number, attempt: subject.attempt ?? 0,
                    worker: subject.worker ?? "", reason: line.reason ?? ""))
        case "received": restoreFit(line)
        default: break
        }
    }

    private mutating func restoreWorker(_ line: EventLine) {
        guard let name = line.subject.worker else { return }
        addWorker(name, host: line.subject.host ?? "", at: line.time)
        guard let about = line.about else { return }
        changeWorker(name) {
            ($0.processor, $0.version) = (about.processor, about.version)
            ($0.threads, $0.isLocal) = (about.threads, about.isLocal)
        }
    }

    private mutating func restoreFit(_ line: EventLine) {
        guard let facts = line.fit, let number = line.subject.tile, fits.indices.contains(number),
            (0...Self.iterationsMaximum).contains(facts.iterations),
            fits[number].state == .stored
        else { return }
        // Of several results the latest is the one that is stored.
        let former = fits[number]
        if former.iteration > 0 {
            changeWorker(former.worker) {
                $0.fitsFinished -= 1
                $0.iterations -= former.iteration
                $0.seconds -= former.seconds ?? 0
            }
        }
        changeWorker(line.subject.worker) {
            $0.fitsFinished += 1
            $0.iterations += facts.iterations
            $0.seconds += facts.seconds ?? 0
        }
        restore(
            fit: number, curve: facts.curve.points, iterations: facts.iterations,
            seconds: facts.seconds, worker: line.subject.worker, host: line.subject.host,
            attempt: line.subject.attempt)
    }

    /// After the last event of an earlier run: whoever works comes again.
    public mutating func endEarlierRun(at time: Double) {
        for worker in workers where worker.leftAt == nil {
            changeWorker(worker.name) {
                ($0.leftAt, $0.reason) = (time, "the coordinator ended")
            }
        }
    }
}
