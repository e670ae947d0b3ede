import Foundation
import Testing

extension PictureTests {
    /// What `scripts/completion` makes of the programs, in the shells that are here.
    @Suite struct Completion {
        private static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("scripts/completion").path

        /// Lines up to the cursor, each with the one word that completes its last one.
        private static let lines = [
            ("dip-coord bi", "big.tif"), ("dip-coord plan bi", "big.tif"), ("dip-coord pl", "plan"),
            ("dip-coord keygen ke", "keys"), ("dip-coord big.tif --missing ma", "mask.png"),
            ("dip-coord -o ma", "mask.png"), ("dip-coord big.tif --ta", "--task"),
            ("dip-coord big.tif --task in", "inpaint"), ("dip-coord --preset fa", "fast"),
            ("dip-coord big.tif --preset mi", "mine.json"),
            ("dip-coord restore big.tif --compression de", "deflate"),
            ("dip-coord big.tif --input co", "coarse"),
            ("dip-coord plan big.tif --stop-rule no", "noise-level"),
        ]

        /// Each prints a line of its arguments, | and what it becomes or what is offered.
        private static let bash = """
            source "$1"; shift
            name=$(complete -p dip-coord); name=${name##*-F }; name=${name% *}
            for line in "$@"; do
                read -ra COMP_WORDS <<<"$line"
                COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$line COMP_POINT=${#line}
                COMPREPLY=()
                "$name" dip-coord "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
                echo "$line|${COMPREPLY[*]}"
            done
            """
        private static let fish = """
            source $argv[1]
            for line in $argv[2..]
                echo "$line|"(complete -C $line | string split -f 1 \\t | string join ' ')
            end
            """
        private static let zsh = """
            zmodload zsh/zpty
            zpty shell zsh -f -i
            zpty -w shell "autoload -Uz compinit && compinit -u -D && source ${(q)1} && PROMPT="
            zpty -w shell 'show() { print -r -- "<$BUFFER>"; BUFFER= }; zle -N show'
            zpty -w shell "bindkey '^I' complete-word '^X' show; print -r -- '<'ready'>'"
            zpty -r shell out '*<ready>*'
            for line in "${@[2,-1]}"; do
                zpty -w -n shell "$line"$'\\t\\x18'
                zpty -r shell out '*<dip-coord*>*'
                [[ $out =~ '<dip-coord ([^>]*)>' ]]
                echo "$line|${${match[1]% }##* }"
            done
            zpty -d shell
            """

        private func expectCompletions(
            _ shell: String, _ options: [String], _ program: String, end: [String] = []
        ) throws {
            try withSession { session in
                let made = try session.start(Self.script, [Programs.coordinator, shell])
                #expect(made.wait() == .exited(0), made.story)
                try Files.write(Array(made.output.utf8), session.path("script"))
                let folder = session.path("folder")
                try FileManager.default.createDirectory(
                    atPath: folder + "/keys", withIntermediateDirectories: true)
                for name in ["big.tif", "mask.png", "mine.json"] {
                    try Files.write([], "\(folder)/\(name)")
                }
                let process = try session.start(
                    "/usr/bin/env",
                    ["-C", folder, "TERM=dumb", shell] + options + [program] + end
                        + [session.path("script")] + Self.lines.map(\.0))
                #expect(process.wait() == .exited(0), process.story)
                let wanted = Self.lines.map { "\($0)|\($1)" }
                let seen = process.output.split(separator: "\n").map {
                    // Folders may end in a slash.
                    $0.hasSuffix("/") ? String($0.dropLast()) : String($0)
                }
                #expect(seen == wanted, process.story)
            }
        }

        private static func has(_ program: String) -> Bool {
            FileManager.default.isExecutableFile(atPath: "/usr/bin/" + program)
        }

        @Test(.enabled(if: has("python3") && has("bash")))
        func `bash completes files and values, also where restore is left out`() throws {
            try expectCompletions("bash", ["--norc", "-c"], Self.bash, end: ["bash"])
        }

        @Test(.enabled(if: has("python3") && has("zsh"), "zsh is not installed"))
        func `zsh completes files and values, also where restore is left out`() throws {
            try expectCompletions("zsh", ["-f", "-c"], Self.zsh, end: ["zsh"])
        }

        @Test(.enabled(if: has("python3") && has("fish"), "fish is not installed"))
        func `fish completes files and values, also where restore is left out`() throws {
            try expectCompletions("fish", ["--no-config", "-c"], Self.fish)
        }
    }
}
