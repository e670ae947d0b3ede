import Foundation
import Testing

extension PictureTests {
    /// scripts/install, with the programs that the tests run.
    @Suite struct Installation {
        private static let scripts = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("scripts").path
        private static let hasPython = FileManager.default.isExecutableFile(
            atPath: "/usr/bin/python3")
        private static let groff = "/usr/bin/groff"

        private func install(
            _ session: Session, _ arguments: String..., destination: String = "root"
        ) throws -> RunningProcess {
            let process = try session.start(
                Self.scripts + "/install", arguments,
                environment: ["DESTDIR": session.path(destination)])
            process.wait(atMost: .seconds(60))
            return process
        }

        /// Options of the parser's own description of a program, those of all commands.
        private func options(_ program: String, _ session: Session) throws -> Set<String> {
            let process = try session.start(program, ["--experimental-dump-help"])
            #expect(process.wait() == .exited(0), process.story)
            let help = try JSONSerialization.jsonObject(with: Data(process.output.utf8))
            var names: Set<String> = []
            func visit(_ value: Any) {
                if let list = value as? [Any] { return list.forEach(visit) }
                guard let object = value as? [String: Any] else { return }
                if object["shouldDisplay"] as? Bool == false { return }
                for name in object["names"] as? [[String: String]] ?? [] {
                    if name["kind"] == "long", let name = name["name"] { names.insert(name) }
                }
                object.values.forEach(visit)
            }
            visit(help)
            return names
        }

        @Test(.enabled(if: hasPython))
        func `what is installed knows its commit and its options, and goes without a trace`() throws
        {
            try withSession { session in
                let folder = URL(fileURLWithPath: Programs.coordinator).deletingLastPathComponent()
                try FileManager.default.createDirectory(
                    atPath: session.path("root/opt/bin"), withIntermediateDirectories: true)
                try Data("mine".utf8).write(
                    to: URL(fileURLWithPath: session.path("root/opt/bin/own")))
                let first = try install(
                    session, "--from", folder.path, "--commit", "0123abc-dirty", "/opt")
                try #require(first.wait() == .exited(0), first.story)
                let files = Files.tree(session.path("root"))
                let again = try install(
                    session, "--from", folder.path, "--commit", "0123abc-dirty", "/opt")
                #expect(again.wait() == .exited(0), again.story)
                #expect(Files.tree(session.path("root")) == files)

                let share = session.path("root/opt/share")
                for name in ["dip-coord", "dip-worker", "dip-bench", "dip-sim"] {
                    let program = session.path("root/opt/bin/\(name)")
                    let version = try session.start(program, ["--version"])
                    #expect(version.wait() == .exited(0), version.story)
                    #expect(version.output.contains("(commit 0123abc-dirty)\n"), version.story)
                    let page = Files.text("\(share)/man/man1/\(name).1")
                    let completion = Files.text("\(share)/bash-completion/completions/\(name)")
                    let options = try options(program, session)
                    #expect(options.count >= 2)
                    for option in options {
                        let roff = "--\(option)".replacing("-", with: "\\-")
                        #expect(page.contains(roff), "\(option) in the page of \(name)")
                        #expect(completion.contains("--\(option)"), "\(option) of \(name)")
                    }
                    try expectNoWarnings("\(share)/man/man1/\(name).1", session)
                }

                let gone = try install(session, "--uninstall", "/opt")
                #expect(gone.wait() == .exited(0), gone.story)
                #expect(Files.tree(session.path("root")) == ["opt", "opt/bin", "opt/bin/own"])
                #expect(Files.text(session.path("root/opt/bin/own")) == "mine")
                let nothing = try install(session, "--uninstall", "/opt")
                #expect(nothing.wait() == .exited(1), nothing.story)
                #expect(nothing.errors.contains("nothing is installed"), nothing.story)
            }
        }

        private func expectNoWarnings(_ page: String, _ session: Session) throws {
            guard FileManager.default.isExecutableFile(atPath: Self.groff) else { return }
            let process = try session.start(
                Self.groff, ["-man", "-ww", "-z", "-Tutf8", "-K", "utf8", page])
            #expect(process.wait() == .exited(0), process.story)
            #expect(process.errors.isEmpty, process.story)
        }
    }
}
