import Testing

/// The repository's own files against the rules. A failure names the file and the line.
struct TidyTests {
    let repository = Repository()

    private func expectNone(_ findings: [Finding]) {
        for finding in findings {
            Issue.record("\(finding)")
        }
    }

    @Test func `every import is allowed by the table of walls`() throws {
        let table = try WallTable(parsing: repository.file("docs/ARCHITECTURE.md"))
        let targets = try repository.targets()
        let sources = try repository.sources()
        #expect(sources.count > targets.count, "the sources were not found")
        expectNone(Rules.completeness(table, targets: targets))
        expectNone(sources.flatMap { Rules.walls($0, table, targets: targets) })
    }

    @Test func `files and lines are short`() throws {
        expectNone(try (repository.sources() + repository.scripts()).flatMap(Rules.size))
    }

    @Test func `no file traps on purpose, promises work or turns checks off`() throws {
        expectNone(try (repository.sources() + repository.scripts()).flatMap(Rules.words))
    }

    @Test func `nothing continues on another thread beside a socket`() throws {
        expectNone(try repository.sources().flatMap(Rules.threads))
    }

    @Test func `OpenBLAS is called in one file`() throws {
        expectNone(Rules.matrixMultiplication(try repository.sources()))
    }

    @Test func `every test is named by a sentence`() throws {
        expectNone(try repository.sources().flatMap(Rules.testNames))
    }

    @Test func `documents name files that exist`() throws {
        expectNone(
            try repository.documents().flatMap { Rules.paths($0, exists: repository.exists) })
    }

    @Test func `the tests that show what is promised exist`() throws {
        let document = try repository.file("docs/ARCHITECTURE.md")
        let paths = try repository.sources().map(\.path).filter { $0.hasPrefix("Tests/") }
        expectNone(Rules.shownBy(document, tests: paths))
    }

    @Test func `every script can be run and stops at the first error`() throws {
        // What ends in .py is a module of scripts, and not run by itself.
        let scripts = try repository.scripts().filter { !$0.path.hasSuffix(".py") }
        #expect(!scripts.isEmpty, "the scripts were not found")
        expectNone(
            scripts.flatMap {
                Rules.script($0, isExecutable: repository.isExecutable($0.path))
            })
    }
}
