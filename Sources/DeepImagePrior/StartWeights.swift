// Weights that fits begin with: those that another fit ended with, instead of random ones.

internal import NeuralNetwork
internal import Safetensors

/// The weights of a network, by parameter. Tiles of one image, or images of one kind, have much in
/// common: a network that has learned one of them learns another one sooner.
public struct StartWeights: Equatable, Sendable {
    struct Tensor: Equatable, Sendable {
        let name: String
        let shape: [Int]
        /// In PyTorch's order.
        let values: [Float]
    }

    /// In the order of the network's layout, or of a file's names.
    let tensors: [Tensor]

    private static let format = "dip-start-1"
    /// Columns of weights that are laid out in place of pixels.
    private static let columns = 1024

    /// What tells these weights from others: 16 hexadecimal digits, of names, shapes and values.
    public var identity: String {
        // FNV-1a of 64 bits (Fowler, Noll, Vo), over words instead of bytes.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        let add = { (word: UInt64) in
            hash ^= word
            hash &*= 0x100_0000_01b3
            hash ^= hash >> 29
        }
        for tensor in tensors.sorted(by: { $0.name < $1.name }) {
            for byte in tensor.name.utf8 { add(UInt64(byte)) }
            for side in tensor.shape { add(UInt64(side)) }
            for value in tensor.values { add(UInt64(value.bitPattern)) }
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    // MARK: As a file

    /// A safetensors file: one float32 tensor a parameter, with the reference files' names and
    /// shapes, as PyTorch stores them. Equal weights, equal bytes.
    public func encoded() -> [UInt8] {
        var writer = SafetensorsWriter(metadata: ["format": Self.format])
        for tensor in tensors {
            writer.add(tensor.name, shape: tensor.shape, values: tensor.values)
        }
        return writer.encoded()
    }

    /// Reads what `encoded` wrote, or another program in the same form.
    ///
    /// - Throws: `FitError.invalid` for bytes that are no such file. They may come from anywhere.
    public init(bytes: [UInt8]) throws(FitError) {
        do throws(SafetensorsError) {
            let file = try SafetensorsFile(parsing: bytes)
            guard file.header.metadata["format"] == Self.format else {
                throw SafetensorsError("its metadata do not say \"format\": \"\(Self.format)\"")
            }
            var tensors: [Tensor] = []
            for name in file.header.tensors.keys.sorted() {
                tensors.append(
                    Tensor(
                        name: name, shape: try file.entry(name).shape,
                        values: try file.float32s(name)))
            }
            self.tensors = tensors
        } catch {
            throw .invalid("the start weights cannot be read: \(error.message)")
        }
    }

    // MARK: In place of pixels

    /// (height, width, 1) of the result of a fit that gives its weights.
    public static func resultShape(
        _ configuration: FitConfiguration, height: Int, width: Int, bands: Int
    ) throws(FitError) -> [Int] {
        shape(of: try layout(configuration, height: height, width: width, bands: bands))
    }

    static func shape(of layout: ParameterLayout) -> [Int] {
        let count = layout.parameters.reduce(0) { $0 + $1.count }
        return [(count + columns - 1) / columns, columns, 1]
    }

    /// One parameter after the other, and zeros where the last row ends.
    func laidOut() -> [Float] {
        var result = tensors.flatMap(\.values)
        let rest = result.count % Self.columns
        if rest > 0 { result += [Float](repeating: 0, count: Self.columns - rest) }
        return result
    }

    /// Reads a result that is a network's weights.
    ///
    /// - Throws: `FitError.invalid` where it is none.
    public init(
        _ configuration: FitConfiguration, height: Int, width: Int, bands: Int,
        inPlaceOf samples: [Float]
    ) throws(FitError) {
        let layout = try Self.layout(configuration, height: height, width: width, bands: bands)
        guard samples.count == Self.shape(of: layout).reduce(1, *), samples.allSatisfy(\.isFinite)
        else {
            throw .invalid("the result of the start fit is not the weights of its network")
        }
        var rest = samples[...]
        tensors = layout.parameters.map { parameter in
            defer { rest = rest.dropFirst(parameter.count) }
            return Tensor(
                name: parameter.name, shape: parameter.shape,
                values: Array(rest.prefix(parameter.count)))
        }
    }

    private static func layout(
        _ configuration: FitConfiguration, height: Int, width: Int, bands: Int
    ) throws(FitError) -> ParameterLayout {
        do throws(NetworkError) {
            return try Network.layout(
                of: try configuration.network(bands: bands).describe(
                    height: height, width: width))
        } catch {
            throw FitError(error)
        }
    }

    // MARK: In a network

    init(of network: Network) {
        tensors = network.layout.parameters.map {
            Tensor(name: $0.name, shape: $0.shape, values: network.values(of: $0))
        }
    }

    /// Checks that they are those of such a network.
    ///
    /// - Throws: `FitError.invalid`, naming the first parameter that differs.
    public func validate(
        for configuration: FitConfiguration, height: Int, width: Int, bands: Int
    ) throws(FitError) {
        try validate(
            for: try Self.layout(configuration, height: height, width: width, bands: bands))
    }

    private func validate(for layout: ParameterLayout) throws(FitError) {
        let given = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0) })
        for parameter in layout.parameters {
            guard let tensor = given[parameter.name] else {
                throw .invalid("the start weights lack \(parameter.name), which the network has")
            }
            guard tensor.shape == parameter.shape else {
                throw .invalid(
                    "the start weights are another network's: \(parameter.name) has the shape "
                        + "\(tensor.shape) there, \(parameter.shape) is wanted")
            }
            guard tensor.values.allSatisfy(\.isFinite) else {
                throw .invalid("the start weights hold values that are no numbers")
            }
        }
        let names = Set(layout.parameters.map(\.name))
        if let other = tensors.map(\.name).filter({ !names.contains($0) }).min() {
            throw .invalid(
                "the start weights are another network's: this one has no \(other)")
        }
    }

    /// Puts them in the place of a network's own.
    func write(into network: Network) throws(FitError) {
        try validate(for: network.layout)
        for tensor in tensors {
            guard let parameter = network.layout[tensor.name] else { continue }
            network.set(parameter, to: tensor.values)
        }
    }
}
