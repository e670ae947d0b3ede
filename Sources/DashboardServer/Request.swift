// HTTP/1.1 requests and responses as values.

/// A request, whole.
struct Request: Equatable, Sendable {
    /// What a request may have.
    enum Limit {
        /// Bytes of the first line and all headers.
        static let head = 16 << 10
        static let body = 4 << 10
        static let headers = 100
    }

    /// Why bytes are no request, and what the sender is told.
    struct Failure: Error, Equatable {
        var status: Response.Status
        var sentence: String
    }

    var method: String
    /// Without the query.
    var path: String
    /// What follows the question mark, as it came: all of ours are numbers.
    var query: [String: String]
    /// By name in lower case.
    var headers: [String: String]
    var body: [UInt8] = []

    /// Whether the sender wants to send others on the same connection.
    var keepsConnection: Bool
    /// Bytes of the body that follow the head.
    var bodyByteCount: Int

    /// - Parameter head: all bytes up to the empty line.
    init(head: some Sequence<UInt8>) throws(Failure) {
        let malformed = Failure(status: .badRequest, sentence: "This is no HTTP request.")
        let lines = String(decoding: Array(head), as: UTF8.self)
            .replacing("\r\n", with: "\n").split(separator: "\n")
        let words = (lines.first ?? "").split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[1].hasPrefix("/"), words[2].hasPrefix("HTTP/1."),
            !words[0].isEmpty, words[0].allSatisfy(\.isASCIILetter)
        else { throw malformed }
        method = String(words[0])
        let target = words[1].split(separator: "?", maxSplits: 1)
        path = String(target[0])
        query = target.count > 1 ? Self.query(target[1]) : [:]
        headers = [:]
        guard lines.count <= Limit.headers else {
            throw Failure(status: .headersTooLarge, sentence: "There are too many headers.")
        }
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":"), colon != line.startIndex else {
                throw malformed
            }
            let name = line[..<colon].lowercased()
            let value = Self.trimmed(line[line.index(after: colon)...])
            // Which of two counts, nobody knows.
            guard headers[name] == nil || !["host", "content-length"].contains(name) else {
                throw malformed
            }
            headers[name] = value
        }
        guard headers["transfer-encoding"] == nil else {
            throw Failure(
                status: .lengthRequired, sentence: "A body needs the header Content-Length.")
        }
        let length = headers["content-length"] ?? "0"
        guard length.allSatisfy(\.isASCIIDigit), let count = Int(length) else { throw malformed }
        guard count <= Limit.body else {
            throw Failure(
                status: .tooLarge, sentence: "A body has at most \(Limit.body) bytes.")
        }
        bodyByteCount = count
        let connection = headers["connection"]?.lowercased() ?? ""
        keepsConnection =
            words[2] == "HTTP/1.0"
            ? connection.contains("keep-alive") : !connection.contains("close")
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return String(text)
    }

    private static func query(_ text: Substring) -> [String: String] {
        text.split(separator: "&").reduce(into: [:]) { query, part in
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            query[String(pair[0])] = pair.count > 1 ? String(pair[1]) : ""
        }
    }

    /// A whole number of the query that is not negative; nil where there is none.
    func number(_ name: String) -> Int? {
        query[name].flatMap(Int.init).flatMap { $0 >= 0 ? $0 : nil }
    }
}

/// An answer, whole.
struct Response: Equatable, Sendable {
    enum Status: Int, Sendable {
        case ok = 200
        case accepted = 202
        case badRequest = 400
        case unauthorized = 401
        case forbidden = 403
        case notFound = 404
        case methodNotAllowed = 405
        case timeout = 408
        case lengthRequired = 411
        case tooLarge = 413
        case misdirected = 421
        case headersTooLarge = 431
        case failed = 500
        case unavailable = 503

        var phrase: String {
            switch self {
            case .ok: "OK"
            case .accepted: "Accepted"
            case .badRequest: "Bad Request"
            case .unauthorized: "Unauthorized"
            case .forbidden: "Forbidden"
            case .notFound: "Not Found"
            case .methodNotAllowed: "Method Not Allowed"
            case .timeout: "Request Timeout"
            case .lengthRequired: "Length Required"
            case .tooLarge: "Content Too Large"
            case .misdirected: "Misdirected Request"
            case .headersTooLarge: "Request Header Fields Too Large"
            case .failed: "Internal Server Error"
            case .unavailable: "Service Unavailable"
            }
        }
    }

    enum Kind: String, Sendable {
        case html = "text/html; charset=utf-8"
        case style = "text/css; charset=utf-8"
        case script = "text/javascript; charset=utf-8"
        case icon = "image/svg+xml"
        case json = "application/json"
        case text = "text/plain; charset=utf-8"
        case metrics = "text/plain; version=0.0.4; charset=utf-8"
        case jpeg = "image/jpeg"
    }

    var status = Status.ok
    var kind = Kind.text
    var body: [UInt8] = []
    /// Further headers.
    var headers: [(String, String)] = []

    static func == (a: Response, b: Response) -> Bool {
        (a.status, a.kind, a.body) == (b.status, b.kind, b.body)
    }

    /// A sentence.
    static func sentence(_ status: Status, _ sentence: String) -> Response {
        var response = Response(status: status, body: Array((sentence + "\n").utf8))
        if status == .unauthorized {
            response.headers = [("WWW-Authenticate", "Bearer realm=\"dip-coord\"")]
        }
        return response
    }

    /// What a page may load and do: nothing of another host's, no script within the page.
    private static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        + "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    /// - Parameter sendsBody: not for HEAD.
    func bytes(keepsConnection: Bool, sendsBody: Bool = true) -> [UInt8] {
        var head = "HTTP/1.1 \(status.rawValue) \(status.phrase)\r\n"
        let standard = [
            ("Content-Type", kind.rawValue), ("Content-Length", "\(body.count)"),
            ("Connection", keepsConnection ? "keep-alive" : "close"),
            ("Cache-Control", "no-store"), ("Content-Security-Policy", Self.policy),
            ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
        ]
        for (name, value) in standard + headers { head += "\(name): \(value)\r\n" }
        return Array((head + "\r\n").utf8) + (sendsBody ? body : [])
    }
}
