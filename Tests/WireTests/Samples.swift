/// Messages and random numbers for the tests of this target.
@testable import Wire

/// SplitMix64: the same numbers for the same seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}

enum Samples {
    static let job = JobID(rawValue: "job-1")
    static let work = TileAttempt(TileID(3), attempt: 2)
    static let report = WorkReport(job: job, work: work, iteration: 40, phase: .fitting)
    static let hello = Hello(
        worker: WorkerID(rawValue: "host-17-ab"), incarnation: 1, host: "host", processID: 17,
        threadCount: 1, version: "1.0", processor: "x86-64 avx2", launchToken: "token",
        capabilities: [.state, Capability(rawValue: "levitation")], work: report)

    /// One message of every kind, with every optional field there.
    static let all: [Message] = [
        .hello(hello),
        .welcome(
            Welcome(
                incarnation: 1, job: job, configuration: #"{"iterations": 10}"#,
                heartbeatSeconds: 5, silenceSeconds: 30, payloadByteCountMaximum: 1 << 20,
                checkpointByteCountMaximum: 1 << 25, requires: [.upscale, .guide])),
        .refused(Refused(.helloWanted, reason: "say hello")),
        .assign(
            Assign(
                job: job, work: work, originX: 192, originY: 0, checkpointIteration: 30,
                imageWidth: 800, imageHeight: 600, guideBands: 2, seed: 1 << 63,
                windowIndex: 1)),
        .cancel(Cancel(job: job, work: work)),
        .heartbeat(Heartbeat(work: report)),
        .progress(
            Progress(
                job: job, work: work, iteration: 40, iterations: 100, loss: 0.25,
                psnrToInput: 21.5, iterationsPerSecond: 1.5)),
        .restored(
            Restored(
                job: job, work: work, iterations: 100, seconds: 66.5, psnrToInput: 24,
                finalLoss: 0.125)),
        .failed(Failed(job: job, work: work, reason: "it collapsed", diverged: true)),
        .stored(Stored(job: job, work: work)),
        .goodbye(Goodbye(reason: "the job is done")),
        .checkpointWanted(CheckpointWanted(job: job, work: work, toleranceSeconds: 6)),
        .checkpoint(Checkpoint(job: job, work: work, iteration: 30)),
        .checkpointStored(CheckpointStored(job: job, work: work, iteration: 30)),
        .previewWanted(PreviewWanted(job: job, work: work, sidePixels: 128)),
        .preview(Preview(job: job, work: work, iteration: 31)),
    ]

    /// A payload (height, width, 3) with samples that name their place.
    static func payload(height: Int = 2, width: Int = 5) throws -> Payload {
        let shape = PixelShape(height: height, width: width, bands: 3)
        return .pixels(
            try PixelPayload(
                shape: shape, pixels: (0..<height * width * 3).map { Float($0) / 7 }))
    }

    /// A state of a fit, 150 bytes.
    static let state = Payload.state((0..<150).map { UInt8($0) })

    static func payload(for message: Message) throws -> Payload? {
        switch message.kind.payloadType {
        case .pixels: try payload()
        case .state: state
        case nil: nil
        }
    }

    /// The pieces of an assignment with that payload.
    static func pieces(
        _ payload: Payload, pieceByteCount: Int
    ) throws -> [PayloadPiece] {
        let message = Message.assign(Assign(job: job, work: work, originX: 0, originY: 0))
        return try MessageCodec.encode(message, payload: payload, pieceByteCount: pieceByteCount)
            .compactMap { try MessageCodec.decode($0, pieceByteCount: pieceByteCount).piece }
    }
}
