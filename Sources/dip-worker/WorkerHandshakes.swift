// What becomes of this worker's handshakes, in sentences: libzmq tries again and says nothing.

import Cluster
import Transport

extension WorkerLoop {
    func take(_ outcome: HandshakeOutcome) throws {
        let reason: String
        switch outcome {
        case .succeeded:
            saidOfHandshakes = []
            return
        case .refused:
            let key = ownKey.map { " (\($0))" } ?? ""
            return try tell(
                .keyRefused(
                    reason: "the coordinator at \(endpoint) does not know this worker's key\(key); "
                        + "its public key must lie in the folder workers of the coordinator's "
                        + "--keys"))
        case .foreign where socketOptions.curve == nil:
            reason =
                "what answers at \(endpoint) does not speak as this worker does; a coordinator "
                + "that uses keys wants them here too: --keys"
        case .brokenOff where socketOptions.curve == nil:
            reason = "\(endpoint) breaks off the handshake; a coordinator that uses keys does so"
        case .foreign:
            reason =
                "what answers at \(endpoint) is not a coordinator that uses keys; is it started "
                + "with --keys?"
        case .brokenOff:
            reason =
                "\(endpoint) breaks off the handshake; --server-key is probably not the key of "
                + "the coordinator there"
        }
        if saidOfHandshakes.insert(reason).inserted { console.error(reason) }
    }

    private var ownKey: CurvePublicKey? {
        guard case .client(let pair, _) = socketOptions.curve else { return nil }
        return pair.publicKey
    }
}
