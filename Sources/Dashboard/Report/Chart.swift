// Lines over iterations, drawn as SVG.

import Glibc

/// One chart. Its lines know their fit, so that a page can lift one out.
struct Chart {
    struct Line {
        var name: String
        /// The fit, where the line is one's.
        var fit: Int?
        /// By iteration.
        var points: [(iteration: Int, value: Double)]
    }

    private static let width = 480.0
    private static let height = 270.0
    private static let left = 52.0
    // Half a label of the last iteration.
    private static let right = 24.0
    private static let top = 10.0
    private static let bottom = 36.0

    var title: String
    var lines: [Line]
    /// Whether each tenfold has the same height. Values that are not above 0 are left out then.
    var isLogarithmic = false
    /// An iteration that is marked.
    var mark: Int?

    /// Nothing where there is nothing to draw.
    var html: HTML {
        let lines = drawnLines
        let values = lines.flatMap { $0.points.map(\.value) }
        guard let low = values.min(), let high = values.max() else { return "" }
        let last = max(lines.flatMap { $0.points.map(\.iteration) }.max() ?? 1, mark ?? 1, 1)
        let yTicks = isLogarithmic ? Self.decades(low, high) : Self.ticks(low, high, count: 5)
        // The curves take the whole width: a tick beyond the last iteration would have no place.
        let xTicks = Self.ticks(0, Double(last), count: 5).filter { $0.value <= Double(last) }
        let bounds = (
            low: min(low, yTicks.first?.value ?? low), high: max(high, yTicks.last?.value ?? high)
        )
        func x(_ iteration: Double) -> Double {
            Self.left + iteration / Double(last) * (Self.width - Self.left - Self.right)
        }
        func y(_ value: Double) -> Double {
            let span = bounds.high - bounds.low
            let share = span > 0 ? (value - bounds.low) / span : 0.5
            return Self.height - Self.bottom - share * (Self.height - Self.top - Self.bottom)
        }
        let drawn: [HTML] = lines.map { line in
            let path = line.points.map { point in
                Text.fixed(x(Double(point.iteration)), 1) + "," + Text.fixed(y(point.value), 1)
            }
            let fit: HTML = line.fit.map { " data-fit=\"\($0)\"" } ?? ""
            // A single point is seen as one.
            let points = (path.count == 1 ? path + path : path).joined(separator: " ")
            return "<polyline\(fit) points=\"\(points)\"><title>\(line.name)</title></polyline>\n"
        }
        let marked: HTML = mark.map { markLine(Text.fixed(x(Double($0)), 1)) } ?? ""
        let grid = grid(
            xTicks.map { ($0.label, x($0.value)) }, yTicks.map { ($0.label, y($0.value)) })
        return """
            <figure class="chart"><figcaption>\(title)</figcaption>
            <svg viewBox="0 0 480 270" role="img" aria-label="\(title)">
            \(grid)<g class="lines">
            \(drawn)</g>
            \(marked)</svg></figure>

            """
    }

    private func markLine(_ x: String) -> HTML {
        let (top, bottom) = (Text.fixed(Self.top, 0), Text.fixed(Self.height - Self.bottom, 0))
        return """
            <line class="mark" x1="\(x)" x2="\(x)" y1="\(top)" y2="\(bottom)"/>

            """
    }

    private var drawnLines: [Line] {
        lines.compactMap { line in
            var line = line
            line.points = line.points.filter {
                $0.value.isFinite && (!isLogarithmic || $0.value > 0)
            }
            if isLogarithmic { line.points = line.points.map { ($0.iteration, log10($0.value)) } }
            return line.points.isEmpty ? nil : line
        }
    }

    private func grid(_ xTicks: [(String, Double)], _ yTicks: [(String, Double)]) -> HTML {
        var result: HTML = ""
        let (left, right) = (Text.fixed(Self.left, 0), Text.fixed(Self.width - Self.right, 0))
        for (label, y) in yTicks {
            let place = Text.fixed(y, 1)
            result += """
                <line class="grid" x1="\(left)" x2="\(right)" y1="\(place)" y2="\(place)"/>\
                <text x="46" y="\(Text.fixed(y + 4, 1))" text-anchor="end">\(label)</text>

                """
        }
        for (label, x) in xTicks {
            result += """
                <text x="\(Text.fixed(x, 1))" y="251" text-anchor="middle">\(label)</text>

                """
        }
        let middle = Text.fixed((Self.left + Self.width - Self.right) / 2, 0)
        result += "<text x=\"\(middle)\" y=\"267\" text-anchor=\"middle\">iterations</text>\n"
        return result
    }

    /// Round numbers that enclose a range.
    static func ticks(_ low: Double, _ high: Double, count: Int)
        -> [(label: String, value: Double)]
    {
        let span = high > low ? high - low : max(high.magnitude * 0.1, 1e-9)
        let raw = span / Double(count)
        let power = pow(10, log10(raw).rounded(.down))
        let step = power * ([1, 2, 5, 10].first { $0 * power >= raw * 0.999 } ?? 10)
        let first = (low / step).rounded(.down)
        let digits = max(0, min(9, Int((-log10(step) + 1e-9).rounded(.up))))
        var ticks: [(label: String, value: Double)] = []
        for index in 0...count + 2 {
            let value = (first + Double(index)) * step
            guard index < 2 || value < high + step * 0.999 else { break }
            ticks.append((Text.fixed(value, digits), value))
        }
        return ticks
    }

    /// Of logarithms: whole tenfolds, and numbers between them where there are few of those; where
    /// there are few of all, round numbers in equal steps.
    static func decades(_ low: Double, _ high: Double) -> [(label: String, value: Double)] {
        for factors in [[1.0], [1, 2, 5], [1, 1.5, 2, 3, 4, 5, 7]] {
            let all = (Int(low.rounded(.down)) - 1...Int(high.rounded(.up))).flatMap { power in
                factors.map { log10($0) + Double(power) }
            }
            let first = all.last { $0 <= low } ?? low
            let last = all.first { $0 >= high } ?? high
            let enclosing = all.filter { $0 >= first && $0 <= last }
            guard enclosing.count >= 4 else { continue }
            return enclosing.map { (Text.significant(pow(10, $0)).trimmedZeros, $0) }
        }
        let top = min(pow(10, high), .greatestFiniteMagnitude)
        return ticks(pow(10, low), top, count: 4).filter { $0.value > 0 }
            .map { ($0.label, log10($0.value)) }
    }
}

extension String {
    /// 0.100 as 0.1.
    fileprivate var trimmedZeros: String {
        guard contains(".") else { return self }
        var text = Substring(self)
        while text.last == "0" { text.removeLast() }
        if text.last == "." { text.removeLast() }
        return String(text)
    }
}

extension ReportPage {
    /// Points of all lines of a chart together.
    private static let chartPointsMaximum = 40_000

    var curves: HTML {
        let fits = shownFits.filter { !$0.curve.iterations.isEmpty }
        let limit = max(8, min(128, Self.chartPointsMaximum / max(fits.count, 1)))
        func lines(_ value: (CurveColumns) -> [Double?]) -> [Chart.Line] {
            fits.map { fit in
                let points = zip(fit.curve.iterations, value(fit.curve)).compactMap {
                    iteration, value in value.map { (iteration: iteration, value: $0) }
                }
                return Chart.Line(
                    name: name(of: fit), fit: fit.number, points: Self.thinned(points, to: limit))
            }
        }
        let charts: [HTML] = [
            Chart(title: "Loss", lines: lines(\.losses), isLogarithmic: true).html,
            Chart(title: "PSNR to the given pixels, dB", lines: lines(\.psnrs)).html,
            pilotChart,
        ]
        guard charts.contains(where: { !$0.markup.isEmpty }) else { return "" }
        return section(
            "curves", "Curves",
            """
            <div class="charts">
            \(charts)</div>
            <p class="note">A line is a \(Text.unit(restarts: report.job.restarts)), with a point
            every second or less often. \(report.pilots.map { "All stop \($0.stop.words)." } ?? "")
            <output id="picked"></output></p>

            """)
    }

    private func name(of fit: Report.Fit) -> String {
        "tile \(fit.tile)" + (report.job.restarts > 1 ? " restart \(fit.restart)" : "")
    }

    private var pilotChart: HTML {
        guard let pilots = report.pilots else { return "" }
        let lines = pilots.pilots.enumerated().map { index, pilot in
            Chart.Line(
                name: "pilot at \(pilot.region.x), \(pilot.region.y)", fit: nil,
                points: Self.thinned(
                    pilot.values.enumerated().compactMap { place, value in
                        value.map { ((place + 1) * pilots.interval, $0) }
                    }, to: 256))
        }
        return Chart(
            title: "Pilots: what \(pilots.stop.rule) watches", lines: lines, isLogarithmic: true,
            mark: pilots.stop.iteration
        ).html
    }

    /// At most so many of the points, with the first and the last one.
    private static func thinned(
        _ points: [(iteration: Int, value: Double)], to limit: Int
    ) -> [(iteration: Int, value: Double)] {
        guard points.count > limit else { return points }
        let step = Double(points.count - 1) / Double(limit - 1)
        return (0..<limit).map { points[Int((Double($0) * step).rounded())] }
    }
}
