import DeepImagePrior
import NeuralNetwork
import Safetensors
import Testing

/// The engine against numbers that PyTorch computed in double precision.
@Suite(.serialized) struct GoldenTests {
    @Test func `every reference file is matched on every kernel path`() throws {
        let names = try Fixtures.names()
        #expect(names.count >= 8)
        for name in names {
            let reference = try ReferenceCase(SafetensorsFile(parsing: Fixtures.bytes(name)))
            for kernels in KernelPaths.all {
                let deviations = try reference.compare(kernels: kernels)
                #expect(
                    Set(deviations.map(\.quantity)) == [
                        "output", "gradients", "zero gradients", "weights after 3 steps",
                        "first loss", "losses",
                    ])
                for deviation in deviations {
                    #expect(
                        deviation.isWithinTolerance,
                        "\(name) \(kernels.name): \(deviation.quantity), \(deviation.worst)")
                }
            }
        }
    }

    /// The file with one tensor's first number changed.
    private func perturbed(
        _ name: String, tensor: String, by change: Float
    ) throws -> SafetensorsFile {
        var bytes = try Fixtures.bytes(name)
        let file = try SafetensorsFile(parsing: bytes)
        let offset = file.header.dataOffset + (try file.entry(tensor).byteRange.lowerBound)
        let value = try file.float32s(tensor)[0] + change
        withUnsafeBytes(of: value.bitPattern.littleEndian) {
            bytes.replaceSubrange(offset..<offset + 4, with: $0)
        }
        return try SafetensorsFile(parsing: bytes)
    }

    @Test func `one changed number of a reference file is noticed where it counts`() throws {
        let name = "one-level.safetensors"
        let tensors = try SafetensorsFile(parsing: Fixtures.bytes(name)).header.tensors.keys
        let kernels = try Kernels.forThisMachine()
        func broken(_ tensor: String, _ change: Float) throws -> Set<String> {
            let file = try perturbed(name, tensor: tensor, by: change)
            let deviations = try ReferenceCase(file).compare(kernels: kernels)
            return Set(deviations.filter { !$0.isWithinTolerance }.map(\.quantity))
        }
        #expect(tensors.contains("weight/level0.down.conv.weight"))
        for tensor in tensors.sorted() where tensor.hasPrefix("weight/") {
            // A bias in front of a norm has no effect at all.
            let vanishes = tensor.hasSuffix(".conv.bias") && !tensor.contains("output")
            guard !vanishes, tensor != "weight/level0.concat.norm.bias" else { continue }
            #expect(try broken(tensor, 0.05).contains("output"), "\(tensor)")
        }
        #expect(try broken("z", 0.05).contains("output"))
        #expect(try broken("target", 0.05).contains("first loss"))
        #expect(try broken("output", 0.01) == ["output"])
        #expect(try broken("output", .nan) == ["output"])
        #expect(try broken("gradient/level0.decode.conv.weight", 0.01) == ["gradients"])
        #expect(try broken("gradient/level0.down.conv.bias", 1e-4) == ["zero gradients"])
        #expect(
            try broken("after3/level0.skip.norm.weight", 0.1) == ["weights after 3 steps"])
        #expect(try broken("losses", 0.01).isSuperset(of: ["first loss", "losses"]))
    }

    @Test func `truncated files and files that are no case are refused`() throws {
        let bytes = try Fixtures.bytes("one-level.safetensors")
        for count in [0, 7, 8, 100, bytes.count / 2, bytes.count - 1] {
            #expect(throws: SafetensorsError.self, "\(count) bytes") {
                try SafetensorsFile(parsing: Array(bytes.prefix(count)))
            }
        }
        for metadata in [
            [:], ["case": ""], ["case": "{}"], ["case": "{\"down\": 3}"], ["other": "{}"],
        ] {
            let file = try SafetensorsFile(parsing: SafetensorsWriter(metadata: metadata).encoded())
            #expect(throws: ReferenceCase.FormatError.self) { try ReferenceCase(file) }
        }
    }

    @Test func `a case without one of its tensors or with a shorter one is refused`() throws {
        let file = try SafetensorsFile(parsing: Fixtures.bytes("one-level.safetensors"))
        let kernels = try Kernels.forThisMachine()
        func compare(without missing: String?, shortened: String?) throws {
            var writer = SafetensorsWriter(metadata: file.header.metadata)
            for name in file.header.tensors.keys.sorted() where name != missing {
                var values = try file.float32s(name)
                if name == shortened { values.removeLast() }
                writer.add(name, shape: [values.count], values: values)
            }
            let changed = try SafetensorsFile(parsing: writer.encoded())
            _ = try ReferenceCase(changed).compare(kernels: kernels)
        }
        try compare(without: nil, shortened: nil)
        for name in [
            "z", "target", "weight/output.conv.weight", "output", "losses",
            "gradient/level0.mix.norm.weight", "after3/level0.mix.norm.weight",
        ] {
            #expect(throws: SafetensorsError.self, "\(name)") {
                try compare(without: name, shortened: nil)
            }
            #expect(throws: ReferenceCase.FormatError.self, "\(name)") {
                try compare(without: nil, shortened: name)
            }
        }
    }
}
