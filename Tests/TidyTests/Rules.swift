/// The rules that the repository's files keep. Each takes a text and returns where it is broken.
enum Rules {
    static let lineLimit = 400
    static let columnLimit = 100

    /// Headers that `libc` stands for in the table of walls.
    static let libc: Set<String> = [
        "errno.h", "fcntl.h", "limits.h", "malloc.h", "math.h", "poll.h", "pthread.h", "setjmp.h",
        "signal.h",
        "spawn.h", "stdarg.h", "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h",
        "string.h", "sys/eventfd.h", "sys/file.h", "sys/mman.h", "sys/prctl.h", "sys/signalfd.h",
        "sys/stat.h", "sys/statvfs.h", "sys/syscall.h", "sys/types.h", "sys/wait.h", "time.h",
        "unistd.h",
    ]

    /// Words that appear nowhere, with the reason. Written in two pieces here, since this file is
    /// held to the rule as well.
    static let forbiddenWords = [
        "try" + "!": "a failure is thrown and reported, not trapped",
        "fatal" + "Error": "a failure is thrown and reported, not trapped",
        "TO" + "DO": "what is missing is no part of the code",
        "FIX" + "ME": "what is missing is no part of the code",
        "-Oun" + "checked": "checks stay on",
        "-ffast" + "-math": "arithmetic keeps its order",
        "-march" + "=native": "one binary runs on every host",
    ]

    static func size(_ file: SourceFile) -> [Finding] {
        var findings: [Finding] = []
        if file.lines.count > lineLimit {
            findings.append(
                file.finding(
                    line: lineLimit + 1,
                    "the file has \(file.lines.count) lines, at most \(lineLimit) are allowed"))
        }
        for (index, line) in file.lines.enumerated() where line.count > columnLimit {
            findings.append(
                file.finding(
                    line: index + 1,
                    "the line has \(line.count) columns, at most \(columnLimit) are allowed"))
        }
        return findings
    }

    static func words(_ file: SourceFile) -> [Finding] {
        file.lines.enumerated().flatMap { index, line in
            forbiddenWords.filter { line.contains($0.key) }.map { word, reason in
                file.finding(line: index + 1, "says \(word): \(reason)")
            }
        }
    }

    /// Imported modules, or for C included system headers, each with its line.
    static func imports(_ file: SourceFile) -> [(line: Int, name: String)] {
        let swift =
            #/
            ^\s* (?: @\w+ (?: \([^)]*\) )? \s+ )*
            (?: (?: public | package | internal | fileprivate | private ) \s+ )? import \s+
            (?: (?: struct | class | enum | protocol | func | typealias | let | var ) \s+ )? (\w+)
            /#
        let c = /^\s*#\s*(?:include|import)\s*<([^>]+)>/
        let pattern = file.isC ? c : swift
        return file.code.compactMap { number, text in
            text.firstMatch(of: pattern).map { (number, String($0.1)) }
        }
    }

    static func walls(_ file: SourceFile, _ table: WallTable, targets: [String]) -> [Finding] {
        guard let target = file.target else { return [] }
        guard let row = table.row(target) else {
            return [file.finding(line: 1, "\(target) has no row in \(table.path)")]
        }
        var allowed = row.imports
        if allowed.contains("libc") { allowed.formUnion(libc) }
        if target == "Tests" { allowed.formUnion(targets.map(moduleName)) }
        return imports(file).filter { !allowed.contains($0.name) }.map { line, name in
            file.finding(
                line: line,
                "imports \(name), which \(table.path):\(row.line) does not allow \(target)")
        }
    }

    /// The table names the targets that there are, and what it allows them exists.
    static func completeness(_ table: WallTable, targets: [String]) -> [Finding] {
        let missing = targets.filter { table.row($0) == nil }.map { target in
            Finding(path: table.path, line: 1, message: "the walls do not name \(target)")
        }
        let superfluous = table.rows.filter { row in
            row.target != "Tests" && !targets.contains(row.target)
        }.map { row in
            Finding(path: table.path, line: row.line, message: "there is no target \(row.target)")
        }
        return table.findings + missing + superfluous
    }

    /// Sockets belong to one thread: no code that could continue on another.
    static func threads(_ file: SourceFile) -> [Finding] {
        guard let target = file.target, file.isSwift,
            ["Transport", "dip-coord", "dip-worker"].contains(target)
        else { return [] }
        return file.code.filter { $0.text.contains(/\b(async|await)\b/) }.map { number, _ in
            file.finding(line: number, "\(target) has sockets, which stay on one thread")
        }
    }

    /// OpenBLAS is called in one file.
    static func matrixMultiplication(_ files: [SourceFile]) -> [Finding] {
        let calls = files.compactMap { file in
            file.target == "Tests"
                ? nil
                : file.code.first { $0.text.contains("cblas" + "_") }.map {
                    file.finding(line: $0.number, "calls OpenBLAS, as another file does")
                }
        }
        return calls.count > 1 ? calls : []
    }

    /// A test's name is a sentence: a raw identifier with spaces.
    static func testNames(_ file: SourceFile) -> [Finding] {
        guard file.isSwift, file.target == "Tests" else { return [] }
        var findings: [Finding] = []
        var isWaiting = false
        for (number, text) in file.code {
            if text.contains(/^\s*@Test\b/) { isWaiting = true }
            guard isWaiting, let function = text.firstMatch(of: /\bfunc\s+(`[^`]*`|\w+)/) else {
                continue
            }
            isWaiting = false
            if !function.1.hasPrefix("`") || !function.1.contains(" ") {
                findings.append(file.finding(line: number, "\(function.1) is no sentence"))
            }
        }
        return findings
    }

    /// A script tells its interpreter and, in Bash, stops at the first error.
    static func script(_ file: SourceFile, isExecutable: Bool) -> [Finding] {
        var findings: [Finding] = []
        if !isExecutable { findings.append(file.finding(line: 1, "is not executable")) }
        switch file.lines.first {
        case "#!/usr/bin/env python3":
            break
        case "#!/usr/bin/env bash":
            let command = file.lines.enumerated().first { _, line in
                !line.isEmpty && !line.hasPrefix("#")
            }
            if command?.element != "set -euo pipefail" {
                let line = (command?.offset ?? 0) + 1
                findings.append(file.finding(line: line, "does not begin with set -euo pipefail"))
            }
        default:
            findings.append(file.finding(line: 1, "begins with no #!/usr/bin/env bash or python3"))
        }
        return findings
    }

    /// A path between backticks that leads into the repository leads somewhere.
    static func paths(_ document: SourceFile, exists: (String) -> Bool) -> [Finding] {
        document.lines.enumerated().flatMap { index, line in
            line.matches(of: /`((?:Sources|Tests|scripts|docs|deploy|\.ci)\/[\w.\/-]+)`/)
                .map { String($0.1) }.filter { !exists($0) }
                .map { document.finding(line: index + 1, "there is no \($0)") }
        }
    }

    /// Every row of a table whose last column is "shown by" names tests, and those exist.
    ///
    /// - Parameter tests: Paths of the tests' files.
    static func shownBy(_ document: SourceFile, tests: [String]) -> [Finding] {
        let names = Set(
            tests.flatMap { path -> [String] in
                let parts = path.split(separator: "/").map {
                    String($0.replacing(".swift", with: ""))
                }
                return [parts.dropFirst().joined(separator: "/"), parts[1], parts[parts.count - 1]]
            })
        var findings: [Finding] = []
        var (isInTable, tableCount) = (false, 0)
        for (index, line) in document.lines.enumerated() {
            guard line.hasPrefix("|") else {
                isInTable = false
                continue
            }
            if line.hasSuffix("| shown by |") {
                (isInTable, tableCount) = (true, tableCount + 1)
            } else if isInTable, !line.hasPrefix("|-"), let cell = line.split(separator: "|").last {
                let tests = cell.matches(of: /`([^`]+)`/).map { String($0.1) }
                let unknown = tests.filter { !names.contains($0) }
                if tests.isEmpty || !unknown.isEmpty {
                    let what = tests.isEmpty ? "no test" : unknown.joined(separator: ", ")
                    findings.append(
                        document.finding(line: index + 1, "names \(what), which shows nothing"))
                }
            }
        }
        return tableCount > 0
            ? findings : [document.finding(line: 1, "has no table of what is shown by tests")]
    }

    /// The name that code imports a target by.
    static func moduleName(_ target: String) -> String {
        String(target.map { $0 == "-" ? "_" : $0 })
    }
}
