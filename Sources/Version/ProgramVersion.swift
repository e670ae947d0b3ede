// What a program says of itself (--version).

internal import CDeflate
internal import CVersion

public enum ProgramVersion {
    /// Of all programs of this package.
    public static let text = "0.1.0"

    /// The commit that the program was built from, where `scripts/install` has written it into
    /// the program's file; else `unknown`. With `-dirty` where files had been changed.
    public static var commit: String { String(cString: cversion_commit()) }

    /// A fact for the lines below the first one, such as a library and its version.
    public typealias Fact = (name: String, value: String)

    /// The library of checksums, which all programs have; as they were built against it, since it
    /// does not tell.
    private static var libdeflate: Fact {
        ("libdeflate", "\(LIBDEFLATE_VERSION_STRING) (when built)")
    }

    /// What a program tells of itself beside its version: what it names, and what all have.
    public static func all(_ facts: [Fact]) -> [Fact] { facts + [libdeflate] }

    /// A first line for programs, `NAME 0.1.0 (commit COMMIT)`, and a line for each fact.
    public static func report(_ program: String, _ facts: [Fact]) -> String {
        let facts = all(facts)
        let columns = (facts.map(\.name.count).max() ?? 0) + 2
        let lines = facts.map { name, value in
            name + String(repeating: " ", count: columns - name.count) + value
        }
        return (["\(program) \(text) (commit \(commit))"] + lines).joined(separator: "\n")
    }
}
