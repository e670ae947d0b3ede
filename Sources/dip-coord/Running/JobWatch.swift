// Where what happens in a job is gathered for those who look on from other threads, or afterwards.

import Dashboard
import Synchronization

/// The record of the job that runs, or ran last; any thread may read it.
final class JobWatch: Sendable {
    private let record = Mutex<JobRecord?>(nil)

    /// Another job begins, or pilots.
    func begin(_ beginning: JobRecord) {
        record.withLock { $0 = beginning }
    }

    func take(_ event: ProgressEvent) {
        record.withLock { $0?.take(event) }
    }

    func take(_ snapshot: ProgressSnapshot) {
        record.withLock { $0?.take(snapshot) }
    }

    /// Somebody at a page asks for something.
    func want(_ control: JobControl) {}
    func takeControls() -> [JobControl] { [] }
    func takePreview(
        fit: Int, iteration: Int, width: Int, height: Int, bands: Int, pixels: [Float]
    ) {}
    func wantedPreviews() -> [Int] { [] }

    /// Reads of the record what is wanted; nil before the first job.
    func read<Value: Sendable>(_ body: (JobRecord) -> Value) -> Value? {
        record.withLock { $0.map(body) }
    }
}
