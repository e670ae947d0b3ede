// report.html: one page with everything in it, made of a `Report` and its pictures.

import FoundationEssentials

/// The pictures of a page, each a whole file.
public struct ReportImages: Sendable {
    public struct Image: Sendable {
        /// Such as `image/png`.
        public var mediaType: String
        public var bytes: [UInt8]

        public init(mediaType: String, bytes: [UInt8]) {
            (self.mediaType, self.bytes) = (mediaType, bytes)
        }

        /// As the address of a picture that is in the page itself.
        var address: HTML {
            HTML(markup: "data:\(mediaType);base64,\(Data(bytes).base64EncodedString())")
        }
    }

    /// nil where there is none.
    public var before, after, disagreement: Image?

    public init(before: Image? = nil, after: Image? = nil, disagreement: Image? = nil) {
        (self.before, self.after, self.disagreement) = (before, after, disagreement)
    }
}

/// Makes the page. It asks for nothing from anywhere.
public struct ReportPage {
    /// By which a file is known as one of ours, among its first bytes.
    public static let marker = "<meta name=\"generator\" content=\"\(Report.About.format)\">"

    let report: Report
    let images: ReportImages

    public init(_ report: Report, _ images: ReportImages) {
        (self.report, self.images) = (report, images)
    }

    public var html: String {
        let name = report.job.title
        let page: HTML = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            \(HTML(markup: Self.marker))
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>\(name), restored</title>
            <style>
            \(HTML(markup: ReportStyle.text))
            </style>
            </head>
            <body>
            <header>
            <h1>\(name)</h1>
            <p class="lead">\(lead)</p>
            </header>
            <main>
            \(figures)\(notices)\(pictures)\(unrestored)\(curves)\(tiles)\(seams)\(workers)\(times)
            \(configuration)\(provenance)\(events)</main>
            <script>
            \(HTML(markup: ReportScript.text))
            </script>
            </body>
            </html>

            """
        return page.markup
    }

    /// A part of the page; nothing where there is nothing to show.
    func section(_ id: String, _ title: String, _ body: HTML) -> HTML {
        body.markup.isEmpty
            ? ""
            : "<section id=\"\(id)\">\n<h2>\(title)</h2>\n\(body)</section>\n"
    }

    /// The day and minute, in universal time.
    static func date(_ secondsSince1970: Double) -> String {
        guard secondsSince1970.isFinite, secondsSince1970.magnitude < 1e11 else { return "-" }
        let date = Date(timeIntervalSince1970: secondsSince1970.rounded())
        return String(date.formatted(.iso8601).prefix(16)).replacing("T", with: " ") + " UTC"
    }

    static func optional(_ value: Double?, _ digits: Int) -> String {
        value.map { Text.fixed($0, digits) } ?? "-"
    }

    // MARK: The top

    private var lead: HTML {
        let job = report.job
        let size = "\(job.width) x \(job.height) pixels"
        let bands = Text.count(job.bands, "band")
        let tiles = Text.count(job.windows.count, "tile")
        let date = Self.date(report.writtenAt)
        return "\(job.task), preset \(job.preset): \(size), \(bands), \(tiles). Written \(date)."
    }

    private var figures: HTML {
        let summary = report.summary
        let total = report.job.windows.count
        let lost = summary?.unrestored.count ?? 0
        var cards: [(name: String, value: String)] = [
            ("tiles restored", "\(total - lost) of \(total)")
        ]
        if let seconds = report.times.wallSeconds {
            cards.append(("wall time of the run", Text.time(seconds)))
        }
        cards.append(("in fits", Text.time(report.times.fitSeconds)))
        let iterations = report.fits.filter { $0.state == .stored }.reduce(0) { $0 + $1.iterations }
        cards.append(("iterations", "\(iterations)"))
        if let psnr = summary?.psnrToInput {
            cards.append(("PSNR to the input", "\(Text.fixed(psnr, 2)) dB"))
        }
        if let summary, summary.seamPairCount > 0 {
            cards.append(("seams, RMS", "\(Text.fixed(summary.seamRMS * 255, 2)) of 255"))
        }
        let shown: [HTML] = cards.map {
            "<div class=\"card\"><b>\($0.value)</b><span>\($0.name)</span></div>\n"
        }
        return "<div class=\"cards\">\n\(shown)</div>\n"
    }

    private var notices: HTML {
        var items: [HTML] = report.warnings.map { "<li class=\"warning\">\($0)</li>\n" }
        items += report.gaps.map { "<li>\($0)</li>\n" }
        return items.isEmpty ? "" : "<ul class=\"notices\">\n\(items)</ul>\n"
    }

    private var unrestored: HTML {
        guard let entries = report.summary?.unrestored, !entries.isEmpty else { return "" }
        let rows = entries.map { entry in
            let region = entry.region
            let reasons = entry.reasons.isEmpty ? ["no reason is known"] : entry.reasons
            return [
                "\(entry.tile)", "\(region.width) x \(region.height) at \(region.x), \(region.y)",
                reasons.joined(separator: "; "),
            ]
        }
        return section(
            "unrestored", "Tiles that came through unrestored",
            """
            <p>Their pixels are the input's. The same command with
            <span class="whole">--retry-failed</span> tries them again.</p>
            \(HTML.table(["tile", "pixels", "why"], rows))
            """)
    }
}
