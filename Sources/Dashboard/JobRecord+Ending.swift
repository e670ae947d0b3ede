// What is left of a job when its run is over.

extension JobRecord {
    /// The run of the job is over, and nobody is at work on it any more.
    ///
    /// - Parameter unrestored: tiles whose pixels in the output are the input's; nil where there is
    ///   no output, so that what is not stored waits for another run.
    public mutating func end(unrestored: [JobReport.Unrestored]?) {
        let unfinished = Set(fits.indices.filter { fits[$0].state != .stored })
        if let unrestored {
            let reasons = Dictionary(unrestored.map { ($0.tile, $0.reasons.last) }) { $1 }
            let lost = fits.indices.filter { reasons[description.tile(ofFit: $0)] != nil }
            for number in unfinished.union(lost).sorted() {
                let reason = reasons[description.tile(ofFit: number)] ?? nil
                change([number]) { ($0.state, $0.reason) = (.setAside, $0.reason ?? reason) }
            }
        } else {
            change(unfinished.sorted()) { if $0.state == .fitting { $0.state = .waiting } }
        }
        guard var last = snapshot else { return }
        let counts = counts
        (last.tilesStored, last.tilesSetAside) = (counts[.stored] ?? 0, counts[.setAside] ?? 0)
        (last.workers, last.workerCount, last.iterationsPerSecond) = ([], 0, nil)
        (last.secondsLeft, last.secondsLeftLow, last.secondsLeftHigh) = (nil, nil, nil)
        last.isPaused = false
        snapshot = last
    }

    /// The program ends: nobody is here any more.
    mutating func dismissWorkers(at time: Double) {
        for worker in workers where worker.leftAt == nil {
            changeWorker(worker.name) { ($0.leftAt, $0.reason) = (time, "the program has ended") }
        }
    }
}
