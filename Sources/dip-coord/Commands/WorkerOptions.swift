// Who fits the tiles: workers of this host and of others.

import ArgumentParser
import Transport

struct WorkerOptions: ParsableArguments {
    @Option(
        name: .shortAndLong, parsing: .unconditional,
        help: ArgumentHelp(
            """
            Workers to start on this host; 0 to 1024, 0 to wait for those of others. (default: as \
            many as have their --threads on cores of their own)
            """, valueName: "count"))
    var workers: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            Threads that share the fit of one tile in each of this host's workers, for few large \
            tiles; 1 to 64, of which more than 8 bring nothing. Many workers with one thread each \
            get more done. The pixels do not depend on it.
            """, valueName: "count"))
    var threads = 1

    @Option(
        help: ArgumentHelp(
            """
            Let workers of other hosts join at this address: tcp://ADDRESS:PORT (port 0 takes any \
            free one) or ipc://PATH. (default: only this host's own)
            """, valueName: "endpoint"))
    var listen: String?

    @Option(
        help: ArgumentHelp(
            """
            With --listen tcp://*:PORT: listen at the address of this network interface of the \
            host, as ip link calls it; IPv4 where it has one, else IPv6 (--listen tcp://[::]:PORT: \
            IPv6). (default: at all addresses of all interfaces)
            """, valueName: "name"))
    var interface: String?

    @Option(
        help: ArgumentHelp(
            """
            Encrypt what goes to workers and let nobody join but those whose keys lie in \
            FOLDER/workers; dip-coord keygen makes the folder. (default: nothing is encrypted, \
            and --listen stays on this host)
            """, valueName: "folder"),
        completion: .directory)
    var keys: String?

    @Option(
        help: ArgumentHelp(
            """
            With --listen: also write the address into this file, when workers can join. Workers \
            that are given the file wait for it.
            """, valueName: "file"),
        completion: .file())
    var endpointFile: String?

    @Option(
        help: ArgumentHelp(
            """
            With --endpoint-file: the host's name or address that workers reach it by. (default: \
            the address that --listen or --interface tells, or this host's name where it listens \
            at all of them)
            """, valueName: "host"))
    var advertise: String?

    @Flag(
        help: """
            Allow --listen at an address that other hosts can reach without --keys, although \
            nothing is encrypted then and anybody who reaches it can join.
            """)
    var insecure = false

    @Flag(
        help: """
            When interrupted, say no goodbye to workers of other hosts: they go on with their \
            tiles, and the same command finds them again with those, if it begins within their \
            --reconnect-timeout at the same address (or tells its own in the same --endpoint-file).
            """)
    var keepWorkers = false

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Give up when there has been no worker for so long, in seconds; 0 waits for ever.",
            valueName: "seconds"))
    var workerWait = 120

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            How often the state of each fit is stored, so that no more is lost when its worker \
            dies, in seconds; less often where that would be too many bytes; 0 only \
            when a worker leaves.
            """, valueName: "seconds"))
    var checkpointInterval = 60.0

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Take a worker for dead that has not been heard for so long, in seconds.",
            valueName: "seconds"))
    var leaseSilence = 30

    /// Workers to start on this host.
    var workerCount: Int { workers ?? max(1, Processors.availableCount / threads) }

    func validate() throws {
        if let workers, !(0...1024).contains(workers) {
            throw ValidationError("--workers is \(workers); 0 to 1024 is wanted")
        }
        guard (1...64).contains(threads) else {
            throw ValidationError("--threads is \(threads); 1 to 64 is wanted")
        }
        guard workers != 0 || listen != nil else {
            throw ValidationError("--workers 0 needs --listen: nobody else could join")
        }
        guard listen != nil || !keepWorkers else {
            throw ValidationError("--keep-workers is for workers of others, which need --listen")
        }
        guard listen != nil || keys == nil && endpointFile == nil && interface == nil else {
            throw ValidationError(
                "--keys, --endpoint-file and --interface are for workers of others, which need "
                    + "--listen")
        }
        guard advertise == nil || endpointFile != nil else {
            throw ValidationError("--advertise needs --endpoint-file, where the address is written")
        }
        guard advertise == nil || listen?.hasPrefix("tcp://") ?? false else {
            throw ValidationError(
                "--advertise names a host, and --listen \(listen ?? "") is a file of this one")
        }
        if let advertise, !Endpoint.isHost(advertise) {
            throw ValidationError(
                "--advertise is '\(advertise)'; the name or the address of this host is wanted, "
                    + "without tcp:// and without the port, which is that of --listen")
        }
        guard keys == nil || !insecure else {
            throw ValidationError("--keys and --insecure exclude each other")
        }
        guard (0...100_000_000).contains(workerWait) else {
            throw ValidationError("--worker-wait is \(workerWait); 0 or more seconds are wanted")
        }
        guard checkpointInterval == 0 || (0.1...1_000_000).contains(checkpointInterval) else {
            throw ValidationError(
                "--checkpoint-interval is \(checkpointInterval); 0, or 0.1 or more seconds "
                    + "are wanted"
            )
        }
        guard (1...86_400).contains(leaseSilence) else {
            throw ValidationError(
                "--lease-silence is \(leaseSilence); 1 to 86400 seconds are wanted")
        }
    }
}
