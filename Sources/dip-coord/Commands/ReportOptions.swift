// What is written about a restoration beside its output.

import ArgumentParser

struct ReportOptions: ParsableArguments {
    @Option(
        name: .customLong("report"),
        help: ArgumentHelp(
            """
            Write a report into this folder, which is made if need be: report.html, one page with \
            before and after, curves, tiles and times, and report.json with all of it for \
            programs. A former report there is replaced.
            """, valueName: "folder"),
        completion: .directory)
    var folder: String?
}
