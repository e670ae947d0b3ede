import Foundation

/// A place in the repository where a rule is broken.
struct Finding: Equatable, CustomStringConvertible {
    var path: String
    var line: Int
    var message: String

    var description: String { "\(path):\(line): \(message)" }
}

/// A text file of the repository. `path` is relative to the repository's root.
struct SourceFile {
    var path: String
    var lines: [String]

    init(path: String, text: String) {
        self.path = path
        lines = text.components(separatedBy: "\n")
        if lines.last == "" { lines.removeLast() }
    }

    var isSwift: Bool { path.hasSuffix(".swift") }
    var isC: Bool { [".c", ".h", ".inc"].contains { path.hasSuffix($0) } }

    /// `Sources/NAME/...` is NAME; everything in `Tests` is `Tests`.
    var target: String? {
        let parts = path.split(separator: "/")
        guard parts.count > 1 else { return nil }
        switch parts[0] {
        case "Sources": return String(parts[1])
        case "Tests": return "Tests"
        default: return nil
        }
    }

    /// Lines with their numbers from 1, without what follows `//`.
    var code: [(number: Int, text: Substring)] {
        lines.enumerated().map { index, line in
            (index + 1, line.range(of: "//").map { line[..<$0.lowerBound] } ?? line[...])
        }
    }

    func finding(line: Int, _ message: String) -> Finding {
        Finding(path: path, line: line, message: message)
    }
}

/// The files of the package that this test belongs to.
struct Repository {
    let root: URL

    /// The package around this file: `Tests/TidyTests/Repository.swift` lies three levels deep.
    init(thisFile: String = #filePath) {
        root = URL(filePath: thisFile).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
    }

    func file(_ path: String) throws -> SourceFile {
        let text = try String(contentsOf: root.appending(path: path), encoding: .utf8)
        return SourceFile(path: path, text: text)
    }

    /// Swift and C sources, `Package.swift` included.
    func sources() throws -> [SourceFile] {
        let paths = try paths(under: "Sources") + paths(under: "Tests") + ["Package.swift"]
        let endings = [".swift", ".c", ".h", ".inc"]
        return try paths.filter { path in endings.contains { path.hasSuffix($0) } }.map(file)
    }

    func scripts() throws -> [SourceFile] {
        try (paths(under: "scripts") + paths(under: ".ci")).map(file)
    }

    func documents() throws -> [SourceFile] {
        let paths = try paths(under: "docs").filter { $0.hasSuffix(".md") } + ["README.md"]
        return try paths.filter(exists).map(file)
    }

    /// Names of the targets' folders.
    func targets() throws -> [String] {
        let folder = root.appending(path: "Sources").path(percentEncoded: false)
        return try FileManager.default.contentsOfDirectory(atPath: folder)
            .filter { !$0.hasPrefix(".") }.sorted()
    }

    func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(
            atPath: root.appending(path: path).path(percentEncoded: false))
    }

    func isExecutable(_ path: String) -> Bool {
        FileManager.default.isExecutableFile(
            atPath: root.appending(path: path).path(percentEncoded: false))
    }

    /// Paths of the files below a folder, sorted; editors' and interpreters' leavings are left out.
    private func paths(under folder: String) throws -> [String] {
        let base = root.appending(path: folder).path(percentEncoded: false)
        var isFolder: ObjCBool = false
        return try FileManager.default.subpathsOfDirectory(atPath: base).sorted().filter { path in
            let hidden = path.split(separator: "/").contains {
                $0.hasPrefix(".") || $0 == "__pycache__"
            }
            let found = FileManager.default.fileExists(
                atPath: base + "/" + path, isDirectory: &isFolder)
            return found && !hidden && !isFolder.boolValue
        }.map { folder + "/" + $0 }
    }
}
