// The live page of a restoration.

import ArgumentParser
import DashboardServer

extension DashboardAddress: OptionValue {
    static let wanted = "a port, 0 to 65535, or HOST:PORT is wanted"

    init?(argument: String) { self.init(argument) }
}

struct DashboardOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Show the restoration on a page for browsers while it runs, at this port: 8080, \
            0.0.0.0:8080, [::1]:8080, or 0 for any free port. Without a host, this computer alone \
            can open it. Its address is printed, with a token for its buttons. /metrics is for \
            Prometheus.
            """, valueName: "[host:]port"),
        transform: DashboardAddress.parse)
    var dashboard: DashboardAddress?

    /// Begins to serve the page, and says where.
    ///
    /// - Returns: nil where none is asked for.
    func serve(_ console: inout Console) throws -> DashboardServer? {
        guard let dashboard else { return nil }
        let server = try DashboardServer(dashboard, console.watch)
        // No note: the record of notes is for all who look, and the token is not.
        console.text("dip-coord: dashboard at \(server.url)#token=\(server.token)")
        if server.isExposed {
            console.warning(
                "other hosts can open the dashboard; they need its token, but nothing is encrypted")
        }
        return server
    }
}
