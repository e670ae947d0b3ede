// A fit's state as a safetensors file, which is what travels and what a checkpoint is.

import Safetensors

extension FitState {
    private static let format = "dip-fit-state-1"
    private static let snapshotPrefix = "snapshot."
    /// The header's JSON without the configuration: eight tensors and a dozen numbers take 1,000.
    private static let headerByteCountMaximum = 4 << 10

    /// The state as a safetensors file: equal states, equal bytes.
    ///
    /// Tensors `values`, `first_moments`, `second_moments` (parameters in the network's layout) and
    /// `average` (height, width, bands), float32; the same with `snapshot.` in front where a
    /// collapse rolls back to another state. The numbers stand in the metadata.
    public func encoded() -> [UInt8] {
        var writer = SafetensorsWriter(metadata: [
            "format": Self.format, "tile": "\(tile)", "configuration": configuration,
            "seconds": "\(seconds)",
        ])
        present.add(to: &writer, prefix: "", shape: shape)
        snapshot?.add(to: &writer, prefix: Self.snapshotPrefix, shape: shape)
        return writer.encoded()
    }

    /// Reads what `encoded` wrote. Whether it belongs to a tile, ``Fit`` checks when it resumes.
    ///
    /// - Throws: `FitError.invalid` for bytes that are not a state. They may come from anywhere.
    public init(bytes: [UInt8]) throws(FitError) {
        do throws(SafetensorsError) {
            let file = try SafetensorsFile(parsing: bytes)
            let metadata = file.header.metadata
            guard metadata["format"] == Self.format, let number = metadata["tile"],
                let tile = Int(number), let configuration = metadata["configuration"]
            else { throw SafetensorsError("it is no state of a fit") }
            self.tile = tile
            self.configuration = configuration
            let seconds = metadata["seconds"].flatMap(Double.init) ?? 0
            self.seconds = seconds.isFinite ? max(seconds, 0) : 0
            shape = try file.entry("average").shape
            present = try Moment(file, prefix: "")
            let hasSnapshot = file.header.tensors[Self.snapshotPrefix + "values"] != nil
            snapshot = hasSnapshot ? try Moment(file, prefix: Self.snapshotPrefix) : nil
        } catch {
            throw .invalid("the state of the fit cannot be read: \(error.message)")
        }
    }

    /// Bytes that no state of such a fit exceeds.
    ///
    /// - Parameters:
    ///   - parameterCount: of the network, padding included.
    ///   - sampleCount: height * width * bands.
    static func byteCountMaximum(
        _ configuration: FitConfiguration, parameterCount: Int, sampleCount: Int
    ) -> Int {
        // Every character of the configuration may have to be escaped.
        headerByteCountMaximum + 2 * configuration.json.utf8.count
            + 2
            * (3 * parameterCount + sampleCount
                + StopMonitor.valueCountMaximum(configuration, sampleCount: sampleCount))
            * MemoryLayout<Float>.stride
    }
}

extension FitState.Moment {
    fileprivate enum Name {
        static let values = "values"
        static let firstMoments = "first_moments"
        static let secondMoments = "second_moments"
        static let average = "average"
        static let iteration = "iteration"
        static let adamStepCount = "adam_step_count"
        static let learningRate = "learning_rate"
        static let rollBackCount = "roll_back_count"
        static let psnrToInput = "psnr_to_input"
        static let stopRule = "stop_rule"
        static let stopCurve = "stop_curve"
        static let stopWindow = "stop_window"
        static let stopErrorSum = "stop_error_sum"
        static let stopBest = "stop_best"
    }

    fileprivate func add(to writer: inout SafetensorsWriter, prefix: String, shape: [Int]) {
        writer.add(prefix + Name.values, shape: [values.count], values: values)
        writer.add(prefix + Name.firstMoments, shape: [firstMoments.count], values: firstMoments)
        writer.add(prefix + Name.secondMoments, shape: [secondMoments.count], values: secondMoments)
        writer.add(prefix + Name.average, shape: shape, values: average)
        // Swift's decimal digits of a Double give the same Double again.
        writer.metadata[prefix + Name.iteration] = "\(iteration)"
        writer.metadata[prefix + Name.adamStepCount] = "\(adamStepCount)"
        writer.metadata[prefix + Name.learningRate] = "\(learningRate)"
        writer.metadata[prefix + Name.rollBackCount] = "\(rollBackCount)"
        writer.metadata[prefix + Name.psnrToInput] = psnrToInput.map { "\($0)" }
        guard monitor.curve.rule != .fixed else { return }
        writer.metadata[prefix + Name.stopRule] = monitor.curve.rule.rawValue
        writer.metadata[prefix + Name.stopErrorSum] = "\(monitor.errorSum)"
        for (name, values) in [
            (Name.stopCurve, monitor.curve.values), (Name.stopWindow, monitor.window),
            (Name.stopBest, monitor.best),
        ] where !values.isEmpty {
            writer.add(prefix + name, shape: [values.count], values: values)
        }
    }

    fileprivate init(_ file: SafetensorsFile, prefix: String) throws(SafetensorsError) {
        let metadata = file.header.metadata
        func number<Value: LosslessStringConvertible>(
            _ name: String
        ) throws(SafetensorsError) -> Value {
            guard let text = metadata[prefix + name], let value = Value(text) else {
                throw SafetensorsError("'\(prefix)\(name)' is missing or no number")
            }
            return value
        }
        self.init(
            iteration: try number(Name.iteration),
            adamStepCount: try number(Name.adamStepCount),
            learningRate: try number(Name.learningRate),
            rollBackCount: try number(Name.rollBackCount),
            psnrToInput: metadata[prefix + Name.psnrToInput] == nil
                ? nil : try number(Name.psnrToInput),
            values: try file.float32s(prefix + Name.values),
            firstMoments: try file.float32s(prefix + Name.firstMoments),
            secondMoments: try file.float32s(prefix + Name.secondMoments),
            average: try file.float32s(prefix + Name.average),
            monitor: try StopMonitor(file, prefix: prefix))
    }
}

extension StopMonitor {
    private typealias Name = FitState.Moment.Name

    fileprivate init(_ file: SafetensorsFile, prefix: String) throws(SafetensorsError) {
        let metadata = file.header.metadata
        guard let word = metadata[prefix + Name.stopRule] else {
            self.init(curve: StopCurve(.fixed))
            return
        }
        guard let rule = StopRule(rawValue: word),
            let sum = metadata[prefix + Name.stopErrorSum].flatMap(Double.init), sum.isFinite
        else { throw SafetensorsError("'\(prefix)\(Name.stopRule)' is no stop rule") }
        func values(_ name: String) throws(SafetensorsError) -> [Float] {
            guard file.header.tensors[prefix + name] != nil else { return [] }
            return try file.float32s(prefix + name)
        }
        self.init(
            curve: StopCurve(rule, values: try values(Name.stopCurve)),
            window: try values(Name.stopWindow), errorSum: sum,
            best: try values(Name.stopBest))
    }
}
