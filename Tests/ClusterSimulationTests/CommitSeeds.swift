import Foundation

/// Seeds that change with the commit: over time the tests try many, a commit always the same.
enum CommitSeeds {
    /// The first one; a constant where there is no commit.
    static let base: UInt64 = {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let git = Process()
        git.executableURL = URL(filePath: "/usr/bin/env")
        git.arguments = ["git", "-C", root.path(percentEncoded: false), "rev-parse", "HEAD"]
        let output = Pipe()
        git.standardOutput = output
        git.standardError = FileHandle.nullDevice
        guard (try? git.run()) != nil else { return 1 }
        let commit = String(
            decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        git.waitUntilExit()
        // Twenty-eight bits: short enough to be typed.
        return UInt64(commit.prefix(7), radix: 16) ?? 1
    }()
}
