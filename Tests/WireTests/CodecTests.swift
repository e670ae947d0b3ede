import Testing

@testable import Wire

/// Messages there and back, and what a decoder refuses.
struct CodecTests {
    /// The one message in `frames`, where the header is this text.
    private func decode(_ header: String, _ payload: [UInt8]...) throws(WireError)
        -> DecodedMessage
    {
        try MessageCodec.decode([Array(header.utf8)] + payload)
    }

    @Test func `every kind of message comes back as it was sent`() throws {
        #expect(Set(Samples.all.map(\.kind)) == Set(MessageKind.allCases))
        for message in Samples.all {
            let payload = try Samples.payload(for: message)
            let messages = try MessageCodec.encode(message, payload: payload)
            try #require(messages.count == 1)
            let decoded = try MessageCodec.decode(messages[0])
            #expect(decoded.message == message)
            #expect(decoded.piece?.bytes == payload?.bytes)
            #expect(decoded.piece?.form == payload?.form)
        }
    }

    @Test func `a header reads as the protocol's page says`() throws {
        let frames = try MessageCodec.encode(.cancel(Cancel(job: Samples.job, work: Samples.work)))
        let header = String(decoding: frames[0][0], as: UTF8.self)
        #expect(
            header == #"{"attempt":2,"job":"job-1","protocol":2,"tile":3,"type":"cancel"}"#)
    }

    @Test func `unknown fields are ignored and absent optional fields are allowed`() throws {
        let decoded = try decode(
            #"{"protocol":2,"type":"heartbeat","mood":{"deep":[1,2]},"work":null}"#)
        #expect(decoded.message == .heartbeat(Heartbeat()))
    }

    @Test func `a worker that names no capabilities has all, and one that names some has those`()
        throws
    {
        let fields =
            #""protocol":2,"type":"hello","worker":"w","incarnation":1,"host":"h","processID":1,"#
            + #""threadCount":1,"version":"1","processor":"p""#
        for (text, can) in [
            ("", Set(Capability.unnamed)),
            (#","capabilities":null"#, Set(Capability.unnamed)),
            (#","capabilities":[]"#, []),
            (#","capabilities":["guide","levitation","guide"]"#, [.guide]),
        ] {
            guard case .hello(let hello) = try decode("{\(fields)\(text)}").message else {
                Issue.record("not a hello: \(text)")
                continue
            }
            #expect(Set(Capability.all.filter(hello.can)) == can, "\(text)")
        }
        let many = (0...WireLimits.capabilityCountMaximum).map { "\"\($0)\"" }
        for text in [
            #""guide""#, "[7]", #"[""]"#, "[\"\(String(repeating: "x", count: 129))\"]",
            "[\(many.joined(separator: ","))]",
        ] {
            #expect(throws: WireError.self, "\(text)") {
                try decode("{\(fields),\"capabilities\":\(text)}")
            }
        }
    }

    @Test func `another protocol version is named before anything else is read`() {
        #expect(throws: WireError.protocolMismatch(seen: 3)) {
            try decode(#"{"protocol":3,"type":"salute"}"#)
        }
    }

    @Test func `an unknown type is named`() {
        #expect(throws: WireError.unknownType("salute")) {
            try decode(#"{"protocol":2,"type":"salute"}"#)
        }
    }

    @Test(arguments: [
        #"{"protocol":2,"type":"cancel","job":"","tile":0,"attempt":1}"#,
        #"{"protocol":2,"type":"cancel","job":"j","tile":-1,"attempt":1}"#,
        #"{"protocol":2,"type":"cancel","job":"j","tile":0,"attempt":0}"#,
        #"{"protocol":2,"type":"cancel","job":"j","tile":1e30,"attempt":1}"#,
        #"{"protocol":2,"type":"cancel","job":"j","tile":0.5,"attempt":1}"#,
        #"{"protocol":2,"type":"cancel","job":"j","tile":0}"#,
        #"{"protocol":2,"type":"welcome","incarnation":1,"job":"j","configuration":"{}","#
            + #""heartbeatSeconds":1e300,"silenceSeconds":1e301,"payloadByteCountMaximum":1}"#,
        #"{"protocol":2,"type":"welcome","incarnation":1,"job":"j","configuration":"{}","#
            + #""heartbeatSeconds":5,"silenceSeconds":6,"payloadByteCountMaximum":1}"#,
        #"{"protocol":2,"type":"heartbeat","work":{"job":"j","tile":0,"attempt":1,"#
            + #""iteration":-5,"phase":"fitting"}}"#,
        #"{"protocol":2,"type":"assign","job":"j","tile":0,"attempt":1,"originX":0,"originY":0}"#,
        #"{"protocol":2,"type":"goodbye","reason":"x","payload":{}}"#,
        "[]", "{}", "null", "\"\"", "{\"protocol\":\"1\"}", "{\"protocol\":1e400}",
    ])
    func `a header outside its limits is refused`(header: String) {
        #expect(throws: WireError.self) { try decode(header) }
    }

    @Test func `the number of frames has to fit the type`() throws {
        let heartbeat = try MessageCodec.encode(.heartbeat(Heartbeat()))[0]
        let assign = try MessageCodec.encode(Samples.all[3], payload: Samples.payload())[0]
        for frames in [[], heartbeat + [[1]], [assign[0]], assign + [[]], [[]], [[], []]] {
            #expect(throws: WireError.self) { try MessageCodec.decode(frames) }
        }
    }

    @Test func `a header frame above its limit is neither read nor written`() {
        let long = String(repeating: "x", count: WireLimits.headerByteCountMaximum)
        #expect(throws: WireError.self) {
            try decode(#"{"protocol":2,"type":"heartbeat","pad":"\#(long)"}"#)
        }
        #expect(throws: WireError.self) {
            try MessageCodec.encode(
                .welcome(
                    Welcome(
                        incarnation: 1, job: Samples.job, configuration: long, heartbeatSeconds: 5,
                        silenceSeconds: 30, payloadByteCountMaximum: 1)))
        }
    }

    @Test func `nesting without end is refused`() {
        let deep = String(repeating: "[", count: 60_000)
        #expect(throws: WireError.self) { try decode(deep) }
        #expect(throws: WireError.self) {
            try decode(#"{"protocol":2,"type":"heartbeat","pad":"# + deep)
        }
    }

    @Test func `measures that are not finite are left out`() throws {
        let progress = Progress(
            job: Samples.job, work: Samples.work, iteration: 1, iterations: 2, loss: .nan,
            psnrToInput: .infinity, iterationsPerSecond: 2)
        let frames = try MessageCodec.encode(.progress(progress))
        let decoded = try MessageCodec.decode(frames[0])
        guard case .progress(let seen) = decoded.message else {
            Issue.record("wanted progress, saw \(decoded.message)")
            return
        }
        #expect(seen.loss == nil && seen.psnrToInput == nil && seen.iterationsPerSecond == 2)
    }

    @Test func `a long reason is cut between two characters`() throws {
        let reason = String(repeating: "ä", count: 3000)
        let frames = try MessageCodec.encode(.goodbye(Goodbye(reason: reason)))
        #expect(
            try MessageCodec.decode(frames[0]).message
                == .goodbye(Goodbye(reason: String(repeating: "ä", count: 500))))
    }

    @Test func `a payload is described by its shape and nothing else will do`() throws {
        let good =
            #"{"protocol":2,"type":"assign","job":"j","tile":0,"attempt":1,"originX":0,"#
            + #""originY":0,"payload":{"dtype":"float32","shape":[1,2,1],"byteCount":8,"#
            + #""crc32":0,"piece":{"index":0,"count":1,"offset":0}}}"#
        let frame = [UInt8](repeating: 0, count: 8)
        _ = try decode(good, frame)
        for (seen, wanted) in [
            ("float32", "float64"), ("[1,2,1]", "[1,2]"), ("[1,2,1]", "[1,2,2]"),
            ("[1,2,1]", "[1,-2,-1]"), ("[1,2,1]", "[65537,1,1]"), ("[1,2,1]", "[2,1,0]"),
            (#""byteCount":8"#, #""byteCount":4"#), (#""crc32":0"#, #""crc32":-1"#),
            (#""crc32":0"#, #""crc32":4294967296"#), (#""index":0"#, #""index":1"#),
            (#""count":1"#, #""count":2"#), (#""offset":0"#, #""offset":4"#),
        ] {
            let bad = good.replacing(seen, with: wanted)
            #expect(throws: WireError.self, "\(wanted)") { try decode(bad, frame) }
        }
        #expect(throws: WireError.self) { try decode(good, Array(frame.dropLast())) }
        #expect(throws: WireError.self) { try decode(good, frame + [0]) }
    }

    @Test func `a state is described by its number of bytes and nothing else will do`() throws {
        let good =
            #"{"protocol":2,"type":"checkpoint","job":"j","tile":0,"attempt":1,"iteration":5,"#
            + #""payload":{"dtype":"uint8","shape":[8],"byteCount":8,"#
            + #""crc32":0,"piece":{"index":0,"count":1,"offset":0}}}"#
        let frame = [UInt8](repeating: 0, count: 8)
        _ = try decode(good, frame)
        for (seen, wanted) in [
            ("uint8", "float32"), ("[8]", "[8,1]"), ("[8]", "[]"), ("[8]", "[9]"),
            ("\"byteCount\":8", "\"byteCount\":0"), ("8", "1073741825"),
            ("\"iteration\":5", "\"iteration\":-1"),
        ] {
            let bad = good.replacing(seen, with: wanted)
            #expect(throws: WireError.self, "\(wanted)") { try decode(bad, frame) }
        }
        #expect(throws: WireError.self) { try decode(good, Array(frame.dropLast())) }
        let pixels = good.replacing("checkpoint", with: "restored")
        #expect(throws: WireError.self) { try decode(pixels, frame) }
    }

    @Test func `samples are little-endian float32 in order`() throws {
        let payload = try PixelPayload(
            shape: PixelShape(height: 1, width: 2, bands: 1), pixels: [1, -0.5])
        #expect(payload.bytes == [0, 0, 0x80, 0x3F, 0, 0, 0, 0xBF])
        #expect(payload.pixels == [1, -0.5])
        #expect(throws: WireError.self) {
            try PixelPayload(shape: PixelShape(height: 1, width: 2, bands: 1), pixels: [1])
        }
    }
}
