import Testing

/// The rules against texts that break them: a rule that finds nothing anywhere would pass unseen.
struct RuleTests {
    private static let walls = """
        # Title
        ## Walls
        | target | is | may import |
        |---|---|---|
        | `Wire` | messages | `CDeflate` |
        | `CSystem` | calls | `libc` |
        | `Tests` | tests | `Testing` |
        ## Next
        | `Cluster` | beyond the section | `Wire` |
        """
    private static let targets = ["CSystem", "Wire", "dip-bench"]
    private let table = WallTable(parsing: SourceFile(path: "W.md", text: walls))

    private func brokenImports(_ path: String, _ text: String) -> [Int] {
        Rules.walls(SourceFile(path: path, text: text), table, targets: Self.targets).map(\.line)
    }

    @Test func `the table of walls is read up to the next heading`() {
        #expect(table.findings.isEmpty)
        #expect(table.rows.map(\.target) == ["Wire", "CSystem", "Tests"])
        #expect(table.rows.map(\.line) == [5, 6, 7])
    }

    @Test func `a table without the heading, the columns or the rows is reported`() {
        let texts = [
            "# Title", "## Walls", "## Walls\n| target | may import |\n|---|---|\n| `A` | |",
            "## Walls\n| target | is | may import |\n|---|---|---|\n| A | no name | |",
        ]
        for text in texts {
            let table = WallTable(parsing: SourceFile(path: "W.md", text: text))
            #expect(!table.findings.isEmpty, "\(text)")
        }
    }

    @Test func `a target without a row and a row without a target are reported`() {
        let found = Rules.completeness(table, targets: ["Wire", "Imaging"])
        #expect(found.map(\.line) == [1, 6])
    }

    @Test func `an import that the walls forbid is found in every spelling`() {
        let forms = [
            "import Foundation", "public import Foundation", "@testable import Foundation",
            "@preconcurrency internal import Foundation", "import struct Foundation.URL",
            "    import Foundation", "@_spi(Part) import Foundation // why",
        ]
        for form in forms {
            #expect(
                brokenImports("Sources/Wire/A.swift", "import CDeflate\n" + form) == [2], "\(form)")
        }
        #expect(brokenImports("Sources/Wire/A.swift", "// import Foundation") == [])
        #expect(brokenImports("Sources/Wire/A.swift", "let important = 1") == [])
    }

    @Test func `a system header that the walls forbid is found`() {
        let text = "#include <unistd.h>\n#include \"own.h\"\n#include <zmq.h>\n#  include <png.h>"
        #expect(brokenImports("Sources/CSystem/A.c", text) == [3, 4])
    }

    @Test func `a test may import every target and nothing else unnamed`() {
        let text = "import Testing\nimport Wire\nimport dip_bench\nimport Foundation"
        #expect(brokenImports("Tests/WireTests/A.swift", text) == [4])
    }

    @Test func `a source in no known target is reported`() {
        #expect(brokenImports("Sources/Elsewhere/A.swift", "") == [1])
    }

    @Test func `long files and long lines are found`() {
        let lines = Array(repeating: "x", count: Rules.lineLimit)
        let fitting = lines.joined(separator: "\n") + "\n"
        #expect(Rules.size(SourceFile(path: "A.swift", text: fitting)).isEmpty)
        let long = SourceFile(path: "A.swift", text: fitting + "x\n")
        #expect(Rules.size(long).map(\.line) == [Rules.lineLimit + 1])
        let edge = String(repeating: "é", count: Rules.columnLimit)
        #expect(
            Rules.size(SourceFile(path: "A.c", text: edge + "\n" + edge + "x")).map(\.line) == [2])
    }

    @Test func `every forbidden word is found`() {
        for word in Rules.forbiddenWords.keys {
            let file = SourceFile(path: "A.swift", text: "fine\nlet a = \(word) // why\n")
            #expect(Rules.words(file).map(\.line) == [2], "\(word)")
        }
    }

    @Test func `waiting beside a socket is found, and only in code`() {
        let text = "// await is no code\nfunc send() async {}\nlet asynchronous = await()"
        for (target, lines) in [("Transport", [2, 3]), ("dip-coord", [2, 3]), ("Imaging", [])] {
            let file = SourceFile(path: "Sources/\(target)/A.swift", text: text)
            #expect(Rules.threads(file).map(\.line) == lines, "\(target)")
        }
    }

    @Test func `a second file that calls OpenBLAS is found`() {
        let call = "cblas" + "_sgemm()"
        let files = ["A", "B"].map { SourceFile(path: "Sources/M/\($0).swift", text: call) }
        #expect(Rules.matrixMultiplication([files[0]]).isEmpty)
        #expect(Rules.matrixMultiplication(files).count == 2)
    }

    @Test func `a test name that is no sentence is found`() {
        let lines = [
            "@Test func camelCase() {}", "@Test(.enabled(if: true))", "func alsoHere() {}",
            "@Test func `a sentence`() {}", "@Test func `word`() {}", "func helper() {}",
        ]
        let file = SourceFile(path: "Tests/A/A.swift", text: lines.joined(separator: "\n"))
        #expect(Rules.testNames(file).map(\.line) == [1, 3, 5])
    }

    @Test func `a document's path that leads nowhere is found`() {
        let text = "`Sources/A.swift` and `Wire/A.swift`\n`docs/B.md`, Sources/C.swift"
        let document = SourceFile(path: "docs/A.md", text: text)
        #expect(Rules.paths(document) { $0 == "Sources/A.swift" }.map(\.line) == [2])
    }

    @Test func `a promise whose test does not exist is found`() {
        let text = """
            | what | shown by |
            |---|---|
            | a | `A/BTests`, `BTests` (every row of it), `A` |
            | b | `A/CTests` |
            | c | nobody |

            | no promise | `CTests` |
            """
        let document = SourceFile(path: "docs/A.md", text: text)
        let found = Rules.shownBy(document, tests: ["Tests/A/BTests.swift"])
        #expect(found.map(\.line) == [4, 5])
        let empty = SourceFile(path: "docs/A.md", text: "# Title")
        #expect(Rules.shownBy(empty, tests: []).count == 1)
    }

    @Test func `a script without interpreter, strictness or permission is found`() {
        let cases = [
            ("#!/usr/bin/env bash\n# Why\n\nset -euo pipefail\n", true, 0),
            ("#!/usr/bin/env python3\nprint()\n", true, 0),
            ("#!/usr/bin/env bash\nset -euo pipefail\n", false, 1),
            ("#!/usr/bin/env bash\nset -e\n", true, 1),
            ("#!/usr/bin/env bash\n", true, 1),
            ("set -euo pipefail\n", true, 1),
            ("", false, 2),
        ]
        for (text, isExecutable, count) in cases {
            let file = SourceFile(path: "scripts/a", text: text)
            #expect(Rules.script(file, isExecutable: isExecutable).count == count, "\(text)")
        }
    }
}
