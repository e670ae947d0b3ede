// Names, shapes and places of a network's parameters.

/// One named parameter of a network.
public struct Parameter: Sendable {
    enum Role {
        case convolutionWeight, convolutionBias, normWeight, normBias
    }

    /// As in the reference files: `level0.down.conv.weight`.
    public let name: String
    /// As PyTorch stores it: convolution (output, input, kernel, kernel), others (channels).
    public let shape: [Int]
    let role: Role
    /// Where it lies in the parameter arena, in floats.
    let offset: Int
    /// Its exact gradient is zero: what it adds is taken off again by the normalization after it.
    /// Such a parameter keeps its value, because Adam would divide rounding by rounding.
    public let hasNoEffect: Bool

    public var count: Int { shape.reduce(1, *) }
}

/// The parameters of a network in one flat layout, which values, gradients and Adam's two moments
/// share.
///
/// In memory a convolution's weights are (kernel row, kernel column, input, output): the matrix
/// that patches of pixels are multiplied with. `canonical` and `internal` convert.
public struct ParameterLayout: Sendable {
    public private(set) var parameters: [Parameter] = []
    public private(set) var count = 0
    private var indexByName: [String: Int] = [:]

    public subscript(name: String) -> Parameter? { indexByName[name].map { parameters[$0] } }

    mutating func add(
        _ name: String, _ role: Parameter.Role, shape: [Int], hasNoEffect: Bool = false
    ) {
        precondition(indexByName[name] == nil, "two parameters are called \(name)")
        let parameter = Parameter(
            name: name, shape: shape, role: role, offset: count, hasNoEffect: hasNoEffect)
        indexByName[name] = parameters.count
        parameters.append(parameter)
        let floatsPerCacheLine = 16
        count +=
            (parameter.count + floatsPerCacheLine - 1) / floatsPerCacheLine
            * floatsPerCacheLine
    }

    /// From the arena's order to PyTorch's.
    static func canonical(_ parameter: Parameter, _ values: UnsafePointer<Float>) -> [Float] {
        guard parameter.role == .convolutionWeight else {
            return Array(UnsafeBufferPointer(start: values, count: parameter.count))
        }
        var result = [Float](repeating: 0, count: parameter.count)
        forEachWeight(parameter) { canonical, inArena in result[canonical] = values[inArena] }
        return result
    }

    /// From PyTorch's order to the arena's.
    static func store(
        _ parameter: Parameter, _ values: [Float], in arena: UnsafeMutablePointer<Float>
    ) {
        precondition(values.count == parameter.count, "\(parameter.name): \(values.count) values")
        guard parameter.role == .convolutionWeight else {
            for index in values.indices { arena[index] = values[index] }
            return
        }
        forEachWeight(parameter) { canonical, inArena in arena[inArena] = values[canonical] }
    }

    private static func forEachWeight(_ parameter: Parameter, _ body: (Int, Int) -> Void) {
        let (outputs, inputs, kernel) = (
            parameter.shape[0], parameter.shape[1], parameter.shape[2]
        )
        for output in 0..<outputs {
            for input in 0..<inputs {
                for tap in 0..<kernel * kernel {
                    body(
                        (output * inputs + input) * kernel * kernel + tap,
                        (tap * inputs + input) * outputs + output)
                }
            }
        }
    }
}
