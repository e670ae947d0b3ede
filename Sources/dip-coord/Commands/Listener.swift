// Where a coordinator listens: what the options come to, the socket's addresses, the file that
// tells of them.

import Glibc
import Transport

/// Where workers can join.
struct Listener {
    let keys: CoordinatorKeys?
    private let endpointFile: String?
    private let advertisedHost: String?
    private let publicEndpoint: String?
    private let interface: String?
    private let hasLocalWorkers: Bool
    private let isExposed: Bool

    /// - Throws: where other hosts could join although the user has not said that they may.
    init(_ options: WorkerOptions) throws {
        if let listen = options.listen, !listen.hasPrefix("tcp://"), !listen.hasPrefix("ipc://") {
            throw ProgramError(
                .usage, "--listen is '\(listen)'; tcp://ADDRESS:PORT or ipc://PATH is wanted")
        }
        let endpoint = try Self.endpoint(options)
        publicEndpoint = endpoint
        interface = options.interface
        hasLocalWorkers = options.workerCount > 0
        isExposed = endpoint.map { !Endpoint.staysOnThisHost($0) } ?? false
        if isExposed, !options.insecure, options.keys == nil {
            throw ProgramError(
                .usage,
                "--listen \(endpoint ?? "") can be reached from other hosts, and anybody who "
                    + "reaches it could join; add --keys FOLDER (dip-coord keygen FOLDER makes "
                    + "it), or --insecure if the network is trusted")
        }
        keys = try options.keys.map(CoordinatorKeys.init(folder:))
        endpointFile = options.endpointFile
        advertisedHost = options.advertise
    }

    /// Where to listen, at one interface or as `--listen` says.
    private static func endpoint(_ options: WorkerOptions) throws -> String? {
        let listen = options.listen.map(Endpoint.withoutLocalName)
        guard let listen, let interface = options.interface else { return listen }
        guard let family = Endpoint.allAddresses(listen) else {
            throw ProgramError(
                .usage,
                "--interface \(interface) says at which address to listen, and so does --listen "
                    + "\(listen); give one of them, or --listen tcp://*:PORT")
        }
        return Endpoint.endpoint(
            listen, at: try NetworkInterface.address(of: interface, family))
    }

    /// What lies among the files because of the socket.
    ///
    /// - Parameter bound: where others can connect.
    func removeFiles(_ bound: String?) {
        // Another coordinator's, which was told the same file, is not ours to remove.
        if let endpointFile, let bound, EndpointFile.read(endpointFile) == told(bound) {
            unlink(endpointFile)
        }
        removeSocketFile()
    }

    /// The name that an ipc endpoint has taken; libzmq leaves it there.
    private func removeSocketFile() {
        guard let publicEndpoint, publicEndpoint.hasPrefix("ipc://") else { return }
        let path = String(publicEndpoint.dropFirst("ipc://".count))
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK { unlink(path) }
    }

    /// Binds the socket. This host's own workers have an address of their own, which works whatever
    /// the public one is.
    ///
    /// - Returns: where others can connect, if they can, and this host's own workers.
    func bind(
        _ router: RouterSocket, console: inout Console
    ) throws -> (forOthers: String?, forLocalWorkers: String) {
        var forOthers: String?
        if let publicEndpoint {
            let bound = try router.bind(publicEndpoint)
            forOthers = bound
            console.note(
                "listening at \(bound)" + (interface.map { ", interface \($0)" } ?? ""))
            try writeEndpointFile(bound)
            if isExposed, keys == nil {
                console.warning(
                    "--insecure: anybody who can reach \(bound) can see the image and send "
                        + "results; nothing is encrypted")
            }
        }
        return (forOthers, hasLocalWorkers ? try router.bind("tcp://127.0.0.1:*") : "")
    }

    /// As workers reach it: by the name that they know, else by the address that is listened at,
    /// else, where those are all of this host, by its name.
    private func told(_ bound: String) -> String {
        let ownName = Endpoint.allAddresses(bound) == nil ? nil : RestoreJob.hostName
        return (advertisedHost ?? ownName).map { Endpoint.endpoint(bound, at: $0) } ?? bound
    }

    private func writeEndpointFile(_ bound: String) throws {
        guard let endpointFile else { return }
        do throws(TransportError) {
            try EndpointFile.write(told(bound), at: endpointFile)
        } catch {
            removeSocketFile()
            throw ProgramError(
                .unwritable,
                "\(error.message); --endpoint-file names a file in a folder that is there and can "
                    + "be written")
        }
    }
}
