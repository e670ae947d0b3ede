import Foundation
import JobStore
import Testing

extension EndToEndTests {
    @Suite struct Status {
        @Test func `a job can be looked at while it runs, when it has stopped, and at its end`()
            throws
        {
            try withSession { session in
                let process = try session.start(
                    Programs.coordinator, Reference.restoration(in: session, "--workers", "1"))
                try session.awaitTiles(1, output: "out.png", of: process)
                let running = try session.status()
                #expect(running["standing"] as? String == "running")
                let page = Files.text(
                    URL(filePath: #filePath).deletingLastPathComponent().appending(
                        path: "../../docs/PROGRESS.md"
                    ).path)
                let documented = page.split(separator: "| field of a status | |").last ?? ""
                for field in running.keys {
                    #expect(documented.contains("`\(field)`"), "\(field) is not documented")
                }
                let restored = try #require(running["restoredCount"] as? Int)
                #expect(restored >= 1)
                #expect(running["leftCount"] as? Int == Reference.tileCount - restored)
                #expect(running["tileCount"] as? Int == Reference.tileCount)
                process.kill()
                process.wait()

                let iteration = 13
                let tile = Reference.tileCount - 1
                try session.withJobStore {
                    try $0.storeCheckpoint(
                        tile: tile, attempt: 1, iteration: iteration, bytes: [1, 2, 3])
                }
                let stopped = try session.status()
                #expect(stopped["standing"] as? String == "stopped")
                let checkpoint = try #require(
                    (stopped["checkpoints"] as? [[String: Any]])?.first {
                        $0["tile"] as? Int == tile
                    })
                #expect(checkpoint["iteration"] as? Int == iteration)
                let text = try session.run(["status", session.jobFolder])
                #expect(text.output.contains("tile \(tile) at iteration 13 of 20"), text.story)
                #expect(text.output.contains("stopped"), text.story)

                try session.withJobStore { $0.removeCheckpoint(tile: tile) }
                let before = Files.tree(session.jobFolder)
                _ = try session.status()
                #expect(Files.tree(session.jobFolder) == before)
                try Reference.expectSameOutput(
                    session,
                    session.start(
                        Programs.coordinator, Reference.restoration(in: session, "--workers", "2")))
                let complete = try session.status()
                let ofOutput = try session.run(["status", session.path("out.png"), "--json"])
                let ofFolder = try session.run(["status", session.jobFolder, "--json"])
                #expect(ofOutput.output == ofFolder.output, ofOutput.story)
                #expect(complete["standing"] as? String == "complete")
                #expect(complete["restoredCount"] as? Int == Reference.tileCount)
                #expect(complete["leftCount"] as? Int == 0)
            }
        }

        @Test func `what is no job's folder is 66`() throws {
            try withSession { session in
                try Files.write([1], session.path("file"))
                for name in ["none.dip", "file", "."] {
                    let process = try session.run(["status", session.path(name)])
                    expectRefusal(process, 66)
                }
            }
        }
    }

    /// A disk of its own, in a name space of its own, which goes with the last process in it.
    @Suite struct FullDisk {
        private static let script = """
            set -eu
            disk=$1; shift
            input=$1; shift
            mkdir "$disk"
            mount -t tmpfs -o size=64m none "$disk"
            "$@" & job=$!
            events="$disk/out.png.dip/events.jsonl"
            while ! grep -qs '"event":"stored"' "$events"; do sleep 0.02; done
            dd if=/dev/zero of="$disk/filler" bs=64k 2>/dev/null || true
            code=0; wait $job || code=$?
            echo "full $code"
            df -k --output=avail "$disk" | tail -1
            rm "$disk/filler"
            code=0; "$@" || code=$?
            echo "again $code"
            cp "$disk/out.png" "$input.out"
            """

        /// Room for the folder, but not for 6 tiles of 28 KiB.
        private static let smallScript = """
            set -eu
            disk=$1; shift
            mkdir "$disk"
            mount -t tmpfs -o size=128k none "$disk"
            code=0; "$@" || code=$?
            echo "small $code"
            ls "$disk"
            mount -o remount,size=64m "$disk"
            code=0; "$@" || code=$?
            echo "large $code"
            """

        private static var mayMount: Bool {
            (try? withSession { session in
                let folder = session.path("disk")
                try FileManager.default.createDirectory(
                    atPath: folder, withIntermediateDirectories: true)
                let shell = try session.start(
                    "/usr/bin/unshare", ["-m", "/bin/mount", "-t", "tmpfs", "none", folder])
                try #require(shell.wait() == .exited(0))
            }) != nil
        }

        @Test(.enabled(if: mayMount, "mounting a tmpfs is not allowed here"))
        func `a full disk ends the job with 75, and with space it goes on`() throws {
            try withSession { session in
                let disk = session.path("disk")
                var arguments = try Reference.restoration(in: session, "--workers", "1")
                arguments[2] = disk + "/out.png"
                let shell = try session.start(
                    "/usr/bin/unshare",
                    ["-m", "/bin/sh", "-c", Self.script, "sh", disk, session.path("in.png")]
                        + [Programs.coordinator] + arguments)
                #expect(shell.wait(atMost: .seconds(40)) == .exited(0), shell.story)
                #expect(shell.output.contains("full 75"), shell.story)
                #expect(shell.output.contains("again 0"), shell.story)
                #expect(shell.errors.contains("No space left on device"), shell.story)
                // Whether the output met it or the tries.
                #expect(
                    shell.errors.contains("the same command goes on")
                        || shell.errors.contains("run the command again"), shell.story)
                #expect(Files.bytes(session.path("in.png.out")) == (try Reference.bytes()))
            }
        }

        @Test(.enabled(if: mayMount, "mounting a tmpfs is not allowed here"))
        func `a disk without room for every tile ends the job before the first, with 75`() throws {
            try withSession { session in
                let disk = session.path("disk")
                var arguments = try Reference.restoration(in: session, "--workers", "1")
                arguments[2] = disk + "/out.png"
                let shell = try session.start(
                    "/usr/bin/unshare",
                    ["-m", "/bin/sh", "-c", Self.smallScript, "sh", disk]
                        + [Programs.coordinator] + arguments)
                #expect(shell.wait(atMost: .seconds(40)) == .exited(0), shell.story)
                #expect(shell.output.contains("small 75\nout.png.dip\nlarge 0"), shell.story)
                #expect(shell.errors.contains("free some space"), shell.story)
            }
        }
    }
}
