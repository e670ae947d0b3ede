// What computes on this machine.

public enum EngineFacts {
    /// The kernels that are in use and OpenBLAS as it runs here, each with its name.
    public static var all: [(name: String, value: String)] {
        let kernels: String
        do throws(NetworkError) {
            kernels = try Kernels.forThisMachine().name
        } catch {
            kernels = "none: \(error)"
        }
        return [("CPU kernels", kernels), ("OpenBLAS", MatrixMultiply.libraryConfiguration)]
    }
}
