// What computes on this machine, for programs that do not know the engine below.

internal import NeuralNetwork

/// The engine of the fits.
public enum FitEngine {
    /// The kernels that are in use and OpenBLAS as it runs here, each with its name.
    public static var facts: [(name: String, value: String)] { EngineFacts.all }
}
