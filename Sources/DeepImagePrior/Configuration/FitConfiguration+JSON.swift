// A configuration as text, and what it may hold.

import FoundationEssentials

extension FitConfiguration {
    /// The configuration as one line of JSON with sorted keys: equal configurations, equal texts.
    public var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Only a number that is not finite cannot be encoded, and `validate` refuses those.
        guard let data = try? encoder.encode(self) else { return "{}" }
        return String(decoding: data, as: UTF8.self)
    }

    /// Reads what `json` wrote, and validates it.
    ///
    /// - Throws: `FitError.invalid` for a field that is missing, wrong, out of range or not known:
    ///   a hyperparameter that is not understood is never ignored.
    public init(json: String) throws(FitError) {
        let data = Data(json.utf8)
        do {
            let decoder = JSONDecoder()
            let names = try decoder.decode(FieldNames.self, from: data).names
            let example = try decoder.decode(
                FieldNames.self, from: Data(FitConfiguration(preset: .thin).json.utf8))
            if let unknown = names.subtracting(example.names).min() {
                throw FitError.invalid(
                    "the configuration has a field \"\(unknown)\" that this version does not know")
            }
            self = try decoder.decode(FitConfiguration.self, from: data)
        } catch let error as FitError {
            throw error
        } catch {
            throw .invalid("the configuration is not understood: \(Self.sentence(error))")
        }
        try validate()
    }

    private static func sentence(_ error: any Error) -> String {
        switch error as? DecodingError {
        case .keyNotFound(let key, _): return "\"\(key.stringValue)\" is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            let path = context.codingPath.map(\.stringValue).joined(separator: ".")
            return "\"\(path)\" has a value of another kind"
        default: return "it is not valid JSON for it"
        }
    }

    private struct FieldNames: Decodable {
        struct Name: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        let names: Set<String>

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Name.self)
            names = Set(container.allKeys.map(\.stringValue))
        }
    }
}

extension FitConfiguration {
    /// - Throws: `FitError.invalid` with the first field that is out of its range.
    public func validate() throws(FitError) {
        let factors = task == .upscale ? Self.upscalingFactors : [1]
        try require(
            factors.contains(factor),
            "factor is \(factor); \(task.rawValue) takes "
                + factors.map { "\($0)" }.joined(separator: ", "))
        try require((1...8).contains(levels), "the network has \(levels) levels; 1 to 8 work")
        try require(
            (task == .guided) == (input == .guide),
            "the task \(task.rawValue) does not go with the network input \(input.rawValue)")
        try require(
            input == .noise || input == .meshgrid && inputChannels == 2
                || [.image, .guide].contains(input) && inputChannels <= 16,
            "\(inputChannels) channels are not those of the network input \(input.rawValue)")
        let lists = [upChannels, skipChannels, filterDown, filterUp].map(\.count)
        try require(
            lists.allSatisfy { $0 == levels } && upsampling.count == levels,
            "every list of the network needs \(levels) entries, one a level")
        let channels = downChannels + upChannels + [inputChannels]
        try require(
            channels.allSatisfy { (1...1024).contains($0) }
                && skipChannels.allSatisfy { (0...1024).contains($0) },
            "channels are 1 to 1024 (0 for no skip branch)")
        try require(
            (filterDown + filterUp).allSatisfy { (1...11).contains($0) && $0 % 2 == 1 },
            "filter sizes are odd and 1 to 11")
        try require(
            (1...1_000_000).contains(iterations), "iterations are 1 to 1000000, not \(iterations)")
        try require(
            snapshotInterval >= 1 && (0...1000).contains(rollBacksMaximum),
            "snapshots are at least 1 iteration apart, roll-backs 0 to 1000")
        try require(
            inputScale > 0 && inputScale.isFinite, "inputScale is \(inputScale); above 0 works")
        try require(
            inputNoiseDeviation >= 0 && inputNoiseDeviation.isFinite,
            "inputNoiseDeviation is \(inputNoiseDeviation); 0 or more works")
        try require(
            learningRate > 0 && learningRate <= 1,
            "learningRate is \(learningRate); above 0, at most 1 works")
        try require(
            averageDecay >= 0 && averageDecay < 1,
            "averageDecay is \(averageDecay); 0 to below 1 works")
        try require(
            gradientNormMaximum > 0 && gradientNormMaximum.isFinite && collapseDecibels > 0
                && collapseDecibels.isFinite,
            "gradientNormMaximum and collapseDecibels are above 0 and finite")
        try require(
            heldOutShare > 0 && heldOutShare <= 0.5,
            "heldOutShare is \(heldOutShare); above 0, at most 0.5 works")
        try require(
            noiseDeviation >= 0 && noiseDeviation <= 1,
            "noiseDeviation is \(noiseDeviation); 0 to 1 works")
        try require(
            stopPatience >= StopCurve.interval && stopWarmUp >= 0,
            "stopPatience is at least \(StopCurve.interval), stopWarmUp at least 0")
    }

    private func require(_ holds: Bool, _ sentence: String) throws(FitError) {
        if !holds { throw .invalid(sentence) }
    }
}
