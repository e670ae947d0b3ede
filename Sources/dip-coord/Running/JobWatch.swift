// Where what happens in a job is gathered for those who look on from other threads, or afterwards,
// and where what they ask for waits for the loop.

import Dashboard
import DashboardServer
import Synchronization
import Transport

/// The record of the job that runs, or ran last; any thread may read it.
final class JobWatch: WatchedJob {
    /// A page that has not asked for this long has gone.
    private static let pageTimeout: Duration = .seconds(5)
    /// Fits whose pictures are asked for at once.
    private static let previewsMaximum = 32
    /// What waits for the loop at most.
    private static let controlsMaximum = 100

    private struct State {
        var record: JobRecord?
        /// When the job's loop was last heard.
        var heardAt: Duration?
        var ending: String?
        var pictures: PictureSource?
        var previews = PreviewStore()
        /// When a page was last heard.
        var pageAt: Duration?
        /// A fit that a page looks at closely, and since when.
        var focus: (fit: Int, at: Duration)?
        var controls: [JobControl] = []
        var wake: (@Sendable () -> Void)?
    }

    /// Whether anybody is shown what earlier runs have done: of a large job that is much to read.
    let showsPast: Bool
    private let state = Mutex(State())
    private let clock = MonotonicClock()

    init(showsPast: Bool) { self.showsPast = showsPast }

    // MARK: What happens

    /// Another job begins, or pilots.
    func begin(_ beginning: JobRecord) {
        state.withLock {
            $0.record = beginning
            $0.heardAt = clock.now()
            $0.previews.removeAll()
            $0.focus = nil
        }
    }

    /// Where pictures of the job that begins come from.
    func offer(_ pictures: PictureSource) {
        state.withLock { $0.pictures = pictures }
    }

    func take(_ event: ProgressEvent) {
        state.withLock {
            $0.record?.take(event)
            $0.heardAt = clock.now()
            $0.ending = event.ending ?? $0.ending
        }
    }

    func take(_ snapshot: ProgressSnapshot) {
        state.withLock {
            $0.record?.take(snapshot)
            $0.heardAt = clock.now()
        }
    }

    /// The run of a job is over, as `JobRecord.end` takes it.
    func end(unrestored: [JobReport.Unrestored]?) {
        state.withLock { $0.record?.end(unrestored: unrestored) }
    }

    /// A picture of a fit's average has come.
    ///
    /// - Parameter pixels: (H, W, C) in [0, 1].
    func takePreview(
        fit: Int, iteration: Int, width: Int, height: Int, bands: Int, pixels: [Float]
    ) {
        state.withLock {
            _ = $0.previews.put(
                fit: fit, iteration: iteration, width: width, height: height, bands: bands,
                pixels: pixels, isInk: $0.pictures?.isInk ?? false)
        }
    }

    /// Fits whose pictures open pages want, the longest unseen first; none where no page is open.
    func wantedPreviews() -> [Int] {
        state.withLock { state in
            let now = clock.now()
            guard let record = state.record, let pageAt = state.pageAt,
                now - pageAt < Self.pageTimeout
            else { return [] }
            let fitting = record.fitting
            var wanted = state.previews.inOrderOfNeed(fitting)
            if let focus = state.focus, now - focus.at < Self.pageTimeout,
                let place = wanted.firstIndex(of: focus.fit)
            {
                wanted.insert(wanted.remove(at: place), at: 0)
            }
            return Array(wanted.prefix(Self.previewsMaximum))
        }
    }

    // MARK: What is asked for

    /// Wakes the loop that takes controls; called on other threads.
    var wake: (@Sendable () -> Void)? {
        get { state.withLock { $0.wake } }
        set { state.withLock { $0.wake = newValue } }
    }

    func want(_ control: JobControl) -> Bool {
        let (isTaken, wake) = state.withLock { state in
            let hasRoom = state.controls.count < Self.controlsMaximum
            if hasRoom { state.controls.append(control) }
            return (hasRoom, state.wake)
        }
        wake?()
        return isTaken
    }

    /// What was asked for since the last call, oldest first.
    func takeControls() -> [JobControl] {
        state.withLock { state in
            defer { state.controls = [] }
            return state.controls
        }
    }

    // MARK: What is seen

    /// Reads of the record what is wanted; nil before the first job.
    func read<Value: Sendable>(_ body: (JobRecord) -> Value) -> Value? {
        state.withLock { $0.record.map(body) }
    }

    var ending: String? { state.withLock { $0.ending } }

    var pictures: PictureSource? { state.withLock { $0.pictures } }

    var secondsSinceHeard: Double? {
        let now = clock.now()
        return state.withLock { $0.heardAt.map { (now - $0).inSeconds } }
    }

    func preview(_ fit: Int) -> PreviewStore.Picture? { state.withLock { $0.previews[fit] } }

    func previewIterations(_ fits: [Int]) -> [Int: Int] {
        state.withLock { state in
            fits.reduce(into: [:]) { $0[$1] = state.previews[$1]?.iteration }
        }
    }

    func pageIsOpen(lookingAt fit: Int?) {
        let now = clock.now()
        state.withLock {
            $0.pageAt = now
            if let fit { $0.focus = (fit, now) }
        }
    }

    var hasPages: Bool {
        let now = clock.now()
        return state.withLock { $0.pageAt.map { now - $0 < Self.pageTimeout } ?? false }
    }
}
