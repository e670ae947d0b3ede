import Testing
import Version

extension PictureTests {
    @Suite struct Help {
        /// What the arguments print; twice the same, whatever the terminal is called.
        private func printed(
            _ program: String, _ arguments: [String], _ session: Session
        ) throws -> String {
            let first = try session.start(program, arguments)
            let second = try session.start(
                program, arguments, environment: ["TERM": "dumb", "LANG": "C"])
            for process in [first, second] {
                #expect(process.wait() == .exited(0), process.story)
                #expect(process.errors.isEmpty, process.story)
            }
            #expect(first.output == second.output)
            #expect(first.output.hasSuffix("\n"))
            // The parser writes the usage of a command with many options on one line.
            for line in first.output.split(separator: "\n") where !line.hasPrefix("USAGE") {
                #expect(line.count <= 80, "\(line)")
            }
            return first.output
        }

        @Test func `the help of a restoration names every option`() throws {
            try withSession { session in
                for arguments in [["restore", "--help"], ["help", "restore"], ["restore", "-h"]] {
                    let text = try printed(Programs.coordinator, arguments, session)
                    #expect(text.contains(/values: +held-out, +variance, +noise-level/))
                    for option in [
                        "-o, --output", "--workers", "--preset", "balanced", "thin", "--iterations",
                        "--seed", "--tile", "--overlap", "--overwrite", "--listen", "--insecure",
                        "--worker-wait", "--quiet", "--version", "--fresh", "--keep-job",
                        "--retry-failed", "--checkpoint-interval", "--lease-silence", "--range",
                        "--page", "--cache", "--compression", "--pyramid", "--region", "--crop",
                        "--nodata", "--disagreement", "--quality", "--task", "--missing",
                        "--known", "--refit-known", "paper-inpaint-text", "paper-hole",
                        "paper-half", "upscale", "--factor", "paper-upscale",
                        "dejpeg", "paper-dejpeg", "--guide", "guided", "paper-guided", "--input",
                        "meshgrid", "paper-denoise", "fast", "best", ".json",
                        "--loss", "--tv", "--noise", "--counts-per-value",
                        "--stop", "--stop-rule", "--sigma", "--strength", "--restarts",
                        "--uncertainty", "--progress", "--report", "--log-level", "--log-format",
                        "--dashboard", "--keys", "--endpoint-file", "--advertise",
                        "--interface", "--keep-workers",
                    ] {
                        #expect(text.contains(option), "\(arguments) does not name \(option)")
                    }
                }
            }
        }

        @Test func `the smallest tile that the help names can be had with a small preset`() throws {
            try withSession { session in
                let text = try printed(Programs.coordinator, ["help", "restore"], session)
                let range = try #require(
                    text.firstMatch(of: /--tile.*?(\d+)\s+to\s+(\d+)/.dotMatchesNewlines()))
                let image = try Picture().write(session.path("in.png"))
                for preset in ["thin", "fast", "balanced", "paper-denoise"] {
                    try session.succeed([
                        "plan", image, "--preset", preset, "--tile", String(range.1),
                        "--overlap", "0",
                    ])
                }
                let smaller = try #require(Int(range.1)) - 1
                expectRefusal(try session.run(["plan", image, "--tile", "\(smaller)"]), 64)
            }
        }

        @Test func `the help of the coordinator names its commands`() throws {
            try withSession { session in
                let text = try printed(Programs.coordinator, ["--help"], session)
                let words = [
                    "USAGE", "restore", "compare", "plan", "presets", "status", "--version",
                    "--help",
                    "Exit codes",
                    " 75 ", " 78 ", " 130 ", "SIGHUP",
                ]
                for word in words {
                    #expect(text.contains(word), "\(word)")
                }
                #expect(try printed(Programs.coordinator, ["help"], session) == text)
            }
        }

        @Test func `the help of the other commands names their options`() throws {
            try withSession { session in
                let compare = try printed(Programs.coordinator, ["compare", "--help"], session)
                #expect(compare.contains("--json"))
                let plan = try printed(Programs.coordinator, ["plan", "--help"], session)
                for option in ["--tile", "--overlap", "--preset", "--iterations", "--task"] {
                    #expect(plan.contains(option), "\(option)")
                }
                let presets = try printed(Programs.coordinator, ["presets", "--help"], session)
                for option in ["--show", "--json", "TFLOP"] {
                    #expect(presets.contains(option), "\(option)")
                }
                let worker = try printed(Programs.worker, ["--help"], session)
                for word in [
                    "USAGE", "<endpoint>", "--reconnect-timeout", "--grace", "--lifetime",
                    "--version", "--log-level", "--log-format",
                ] {
                    #expect(worker.contains(word), "\(word)")
                }
            }
        }

        @Test func `all programs are of one version and name their libraries and kernels`() throws {
            try withSession { session in
                for (program, libraries) in [
                    (
                        Programs.coordinator,
                        ["libzmq", "libtiff", "libpng", "libjpeg-turbo", "zlib"]
                    ),
                    (Programs.worker, ["libzmq"]), (Programs.bench, ["libtiff"]),
                    (Programs.simulator, []),
                ] {
                    let process = try session.start(
                        program, ["--version"], environment: ["DIP_CPU": "portable"])
                    #expect(process.wait() == .exited(0), process.story)
                    let text = process.output
                    let name = program.split(separator: "/").last.map(String.init) ?? ""
                    // Scripts read the first line. Only what is installed knows its commit.
                    let first = "\(name) \(ProgramVersion.text) (commit unknown)\n"
                    #expect(text.hasPrefix(first), "\(text)")
                    let computes = program == Programs.simulator ? [] : ["OpenBLAS"]
                    for library in libraries + computes + ["libdeflate"] {
                        #expect(
                            text.split(separator: "\n").contains {
                                $0.hasPrefix(library + " ") && $0.contains(/\d+\.\d+/)
                            }, "\(library) in \(text)")
                    }
                    #expect(text.contains(/CPU kernels +portable\n/) == !computes.isEmpty)
                }
            }
        }
    }
}
