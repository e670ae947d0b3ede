/// The kinds of messages, and the one value that holds any of them.

/// What `type` says in a header.
public enum MessageKind: String, CaseIterable, Sendable {
    case hello, welcome, refused, assign, cancel, heartbeat, progress, restored, failed, stored,
        goodbye, checkpointWanted, checkpoint, checkpointStored, previewWanted, preview

    /// What a payload frame holds.
    enum PayloadType {
        /// Samples, float32.
        case pixels
        /// The state of a fit, bytes.
        case state
    }

    /// What the payload frame behind the header holds; nil for kinds without one.
    var payloadType: PayloadType? {
        switch self {
        case .assign, .restored, .preview: .pixels
        case .checkpoint: .state
        case .hello, .welcome, .refused, .cancel, .heartbeat, .progress, .failed, .stored,
            .goodbye, .checkpointWanted, .checkpointStored, .previewWanted:
            nil
        }
    }

    /// Whether a message of this kind consists of a header and a payload frame.
    public var hasPayload: Bool { payloadType != nil }
}

/// One message without its payload: facts and ids, never pixels.
public enum Message: Equatable, Sendable {
    case hello(Hello)
    case welcome(Welcome)
    case refused(Refused)
    case assign(Assign)
    case cancel(Cancel)
    case heartbeat(Heartbeat)
    case progress(Progress)
    case restored(Restored)
    case failed(Failed)
    case stored(Stored)
    case goodbye(Goodbye)
    case checkpointWanted(CheckpointWanted)
    case checkpoint(Checkpoint)
    case checkpointStored(CheckpointStored)
    case previewWanted(PreviewWanted)
    case preview(Preview)

    /// What `type` says in the header.
    public var kind: MessageKind {
        switch self {
        case .hello: .hello
        case .welcome: .welcome
        case .refused: .refused
        case .assign: .assign
        case .cancel: .cancel
        case .heartbeat: .heartbeat
        case .progress: .progress
        case .restored: .restored
        case .failed: .failed
        case .stored: .stored
        case .goodbye: .goodbye
        case .checkpointWanted: .checkpointWanted
        case .checkpoint: .checkpoint
        case .checkpointStored: .checkpointStored
        case .previewWanted: .previewWanted
        case .preview: .preview
        }
    }

    /// The job and the try that the message is about, for the kinds that name one in the header.
    public var subject: (job: JobID, work: TileAttempt)? {
        switch self {
        case .assign(let body): (body.job, body.work)
        case .cancel(let body): (body.job, body.work)
        case .progress(let body): (body.job, body.work)
        case .restored(let body): (body.job, body.work)
        case .failed(let body): (body.job, body.work)
        case .stored(let body): (body.job, body.work)
        case .checkpointWanted(let body): (body.job, body.work)
        case .checkpoint(let body): (body.job, body.work)
        case .checkpointStored(let body): (body.job, body.work)
        case .previewWanted(let body): (body.job, body.work)
        case .preview(let body): (body.job, body.work)
        case .hello, .welcome, .refused, .heartbeat, .goodbye: nil
        }
    }

    /// The body, for what all bodies have in common.
    var body: any MessageBody {
        switch self {
        case .hello(let body): body
        case .welcome(let body): body
        case .refused(let body): body
        case .assign(let body): body
        case .cancel(let body): body
        case .heartbeat(let body): body
        case .progress(let body): body
        case .restored(let body): body
        case .failed(let body): body
        case .stored(let body): body
        case .goodbye(let body): body
        case .checkpointWanted(let body): body
        case .checkpoint(let body): body
        case .checkpointStored(let body): body
        case .previewWanted(let body): body
        case .preview(let body): body
        }
    }

    /// Reads the body of a kind from a header.
    init(_ kind: MessageKind, from decoder: any Decoder) throws {
        switch kind {
        case .hello: self = .hello(try Hello(from: decoder))
        case .welcome: self = .welcome(try Welcome(from: decoder))
        case .refused: self = .refused(try Refused(from: decoder))
        case .assign: self = .assign(try Assign(from: decoder))
        case .cancel: self = .cancel(try Cancel(from: decoder))
        case .heartbeat: self = .heartbeat(try Heartbeat(from: decoder))
        case .progress: self = .progress(try Progress(from: decoder))
        case .restored: self = .restored(try Restored(from: decoder))
        case .failed: self = .failed(try Failed(from: decoder))
        case .stored: self = .stored(try Stored(from: decoder))
        case .goodbye: self = .goodbye(try Goodbye(from: decoder))
        case .checkpointWanted: self = .checkpointWanted(try CheckpointWanted(from: decoder))
        case .checkpoint: self = .checkpoint(try Checkpoint(from: decoder))
        case .checkpointStored: self = .checkpointStored(try CheckpointStored(from: decoder))
        case .previewWanted: self = .previewWanted(try PreviewWanted(from: decoder))
        case .preview: self = .preview(try Preview(from: decoder))
        }
    }
}

/// A message's fields: read and written as JSON, checked after reading and before writing.
protocol MessageBody: Codable, Equatable, Sendable {
    /// Throws where a field is outside its limits.
    func check() throws(WireError)
}

/// A body about one try at one tile of one job.
protocol WorkMessageBody: MessageBody {
    var job: JobID { get }
    var tile: TileID { get }
    var attempt: Attempt { get }
}

extension WorkMessageBody {
    func checkSubject() throws(WireError) {
        try FieldCheck.identifier(job.rawValue, "job")
        try FieldCheck.count(tile.rawValue, "tile")
        try FieldCheck.count(attempt, "attempt", from: 1)
    }

    func check() throws(WireError) {
        try checkSubject()
    }
}
