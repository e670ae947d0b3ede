// What the page's server needs of the program that runs the job.

public import Dashboard
public import Imaging

/// A running job as any thread may look at it, and where what pages ask for goes. No call waits.
public protocol WatchedJob: AnyObject, Sendable {
    /// Reads of the record what is wanted; nil before the first job.
    func read<Value: Sendable>(_ body: (JobRecord) -> Value) -> Value?
    /// How the program ends, in a sentence; nil while it goes on.
    var ending: String? { get }
    /// Since the job's loop was last heard; nil before the first job.
    var secondsSinceHeard: Double? { get }
    /// Where pictures come from; nil before the first job.
    var pictures: PictureSource? { get }
    /// The latest picture of a fit at work.
    func preview(_ fit: Int) -> PreviewStore.Picture?
    /// At which iteration the latest pictures of these fits were made.
    func previewIterations(_ fits: [Int]) -> [Int: Int]
    /// A page has asked for what has changed.
    ///
    /// - Parameter fit: the one that it shows by itself.
    func pageIsOpen(lookingAt fit: Int?)
    /// Whether a page has asked lately.
    var hasPages: Bool { get }
    /// Hands the loop what a page asks for.
    ///
    /// - Returns: false where too much waits already.
    func want(_ control: JobControl) -> Bool
}

/// Where the pictures of a job come from. Lengths in pixels of the output.
public struct PictureSource: Sendable {
    public var job: String
    /// Of what is restored.
    public var width, height: Int
    public var bands: Int
    /// Whether bands are cyan, magenta, yellow and black.
    public var isInk: Bool
    public var restarts: Int
    /// What the output takes over of the input.
    public var kept = Kept()
    /// By tile.
    public var windows: [JobDescription.Window]
    /// Opens what is restored, as the fits see it: an image of its own, for one thread.
    public var open: @Sendable () throws -> any ImageSource
    /// The stored pixels of a fit, (window height, window width, bands) in [0, 1]; nil where there
    /// are none.
    public var result: @Sendable (_ fit: Int) -> [Float]?

    /// What a stored tile's pixels become in the output.
    public struct Kept: Sendable {
        /// The fits' share; the rest is the input's.
        public var strength = 1.0
        /// Pixels that are not missing stay as they were.
        public var known = false
        /// Missing pixels stay missing.
        public var missing = false

        public init(strength: Double = 1, known: Bool = false, missing: Bool = false) {
            (self.strength, self.known, self.missing) = (strength, known, missing)
        }

        var needsInput: Bool { strength < 1 || known || missing }
    }

    public init(
        job: String, width: Int, height: Int, bands: Int, isInk: Bool, restarts: Int,
        kept: Kept = Kept(), windows: [JobDescription.Window],
        open: @escaping @Sendable () throws -> any ImageSource,
        result: @escaping @Sendable (_ fit: Int) -> [Float]?
    ) {
        self.job = job
        self.width = width
        self.height = height
        self.bands = bands
        self.isInk = isInk
        self.restarts = restarts
        self.kept = kept
        self.windows = windows
        self.open = open
        self.result = result
    }
}
