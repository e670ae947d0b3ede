// What Prometheus is told.

import Foundation
import RegexBuilder
import Testing

@testable import Dashboard

@Suite("Metrics")
struct MetricsTextTests {
    private static func record(_ snapshot: ProgressSnapshot? = .complete) -> JobRecord {
        var record = JobRecord(.sample(tiles: 12))
        record.restore(stored: [0, 1, 2], setAside: [3])
        if let snapshot { record.take(snapshot) }
        return record
    }

    /// A metric's name, its comments and its samples, line by line.
    private static func families(_ text: String) -> [(name: String, lines: [Substring])] {
        var families: [(name: String, lines: [Substring])] = []
        for line in text.split(separator: "\n") {
            if line.hasPrefix("# HELP ") {
                families.append((String(line.split(separator: " ")[2]), [line]))
            } else if !families.isEmpty {
                families[families.count - 1].lines.append(line)
            }
        }
        return families
    }

    @Test func `every metric has one help, one type and samples, and counters end in total`() {
        let text = MetricsText(Self.record()).text
        let families = Self.families(text)
        #expect(Set(families.map(\.name)).count == families.count)
        for (name, lines) in families {
            #expect(name.wholeMatch(of: /dip_[a-z_]+[a-z]/) != nil, "\(name)")
            #expect(lines.count >= 3, "\(lines)")
            guard lines.count >= 3 else { continue }
            let isCounter = lines[1] == "# TYPE \(name) counter"
            #expect(isCounter || lines[1] == "# TYPE \(name) gauge", "\(lines[1])")
            #expect(isCounter == name.hasSuffix("_total"), "\(name)")
            let label = /[a-z_]+="(?:[^"\\\n]|\\["\\n])*"/
            let sample = Regex {
                name
                /(?:\{[^\n]*\})?/
                " "
                /(?:-?[0-9.]+(?:e[-+]?[0-9]+)?|NaN|[-+]Inf)/
            }
            for line in lines.dropFirst(2) {
                #expect(line.wholeMatch(of: sample) != nil, "\(line)")
                guard let open = line.firstIndex(of: "{"), let close = line.lastIndex(of: "}")
                else { continue }
                let labels = line[line.index(after: open)..<close]
                #expect(labels.matches(of: label).count >= 1, "\(labels)")
            }
        }
        #expect(text.hasSuffix("\n"))
    }

    @Test func `numbers are those of the job`() {
        let text = MetricsText(Self.record()).text
        for line in [
            "dip_fits{state=\"waiting\"} 7", "dip_fits{state=\"fitting\"} 1",
            "dip_fits{state=\"stored\"} 3", "dip_fits{state=\"set_aside\"} 1",
            "dip_iterations_per_second 41.24", "dip_time_left_seconds{bound=\"low\"} 250",
            "dip_phase{phase=\"tiles\"} 1", "dip_phase{phase=\"blending\"} 0",
            "dip_retries_total 1", "dip_workers 2",
            "dip_worker_iteration{worker=\"node17-1234-ab\",host=\"node17\"} 1500",
        ] {
            #expect(text.contains(line + "\n"), "\(line) is not in\n\(text)")
        }
    }

    @Test func `what is not known has no sample, and what has none no help`() {
        var snapshot = ProgressSnapshot(phase: .pilots, tilesTotal: 2, iterationsPerTile: 10)
        snapshot.secondsLeft = nil
        let text = MetricsText(Self.record(snapshot)).text
        for name in ["dip_time_left_seconds", "dip_psnr_to_input_decibels", "dip_worker_loss"] {
            #expect(!text.contains(name))
        }
        #expect(!MetricsText(Self.record(nil)).text.contains("dip_phase"))
    }

    @Test func `labels and help are escaped, and numbers that are none have names`() {
        var text = MetricsText()
        text.add(
            "dip_test", .gauge, "A \"quoted\" \\ help\nof two lines.",
            [([("a", "x\"y\\z\nw")], .nan), ([], .infinity), ([], -.infinity), ([], 1e20)])
        #expect(
            text.text == """
                # HELP dip_test A "quoted" \\\\ help\\nof two lines.
                # TYPE dip_test gauge
                dip_test{a="x\\"y\\\\z\\nw"} NaN
                dip_test +Inf
                dip_test -Inf
                dip_test 1e+20

                """)
    }

    @Test func `every metric is documented with its type, and no other`() throws {
        var written: [String: String] = [:]
        for (name, lines) in Self.families(MetricsText(Self.record()).text) {
            written[name] = lines[1].split(separator: " ").last.map(String.init)
        }
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let document = try String(
            contentsOf: root.appending(path: "docs/DASHBOARD.md"), encoding: .utf8)
        var documented: [String: String] = [:]
        for row in document.matches(of: /\| `(dip_[a-z_]+)` \| (\w+) \|/) {
            documented[String(row.1)] = String(row.2)
        }
        #expect(written == documented)
    }
}
