// The table of kernels for this CPU, chosen once.

import CKernels
import Glibc

/// The kernels (see `CKernels.h`) that every layer of a network calls.
public struct Kernels: @unchecked Sendable {
    /// A pointer to a constant table of C functions: immutable, hence safe to share.
    let table: UnsafePointer<dip_kernels>

    /// `portable`, `avx2`, `avx512` or `avx512bf16`.
    public var name: String { String(cString: table.pointee.name) }

    /// The kernels of the given path.
    ///
    /// - Throws: `NetworkError.unknownKernelPath` where this CPU does not have it.
    public init(named name: String) throws(NetworkError) {
        guard let table = dip_kernels_for(name) else { throw .unknownKernelPath(name) }
        self.table = table
    }

    /// The kernels that the environment's `DIP_CPU` forces, else the fastest of this CPU.
    ///
    /// - Throws: `NetworkError.unknownKernelPath` where `DIP_CPU` names none that runs here.
    public static func forThisMachine() throws(NetworkError) -> Kernels {
        guard let forced = getenv("DIP_CPU") else { return try Kernels(fastest: ()) }
        return try Kernels(named: String(cString: forced))
    }

    private init(fastest: Void) throws(NetworkError) {
        guard let table = dip_kernels_for(nil) else { throw .unknownKernelPath("portable") }
        self.table = table
    }
}
