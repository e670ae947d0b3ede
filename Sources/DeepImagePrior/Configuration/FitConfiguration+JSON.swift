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

    /// Reads what `json` wrote, without validating it.
    ///
    /// - Parameter field: The field that is in question.
    /// - Throws: `FitError.invalid`, naming that field.
    init(decoding json: String, _ field: String) throws(FitError) {
        do {
            self = try JSONDecoder().decode(FitConfiguration.self, from: Data(json.utf8))
        } catch {
            let sentence = Self.sentence(error)
            throw .invalid(
                sentence.contains(field) ? sentence : "\"\(field)\" has a value of another kind")
        }
    }

    private static func sentence(_ error: any Error) -> String {
        switch error as? DecodingError {
        case .keyNotFound(let key, _): return "\"\(key.stringValue)\" is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            return "\"\(name(context))\" has a value of another kind"
        case .dataCorrupted(let context) where !context.codingPath.isEmpty:
            return "\"\(name(context))\" has a value that is none of its own"
        default: return "it is not valid JSON for it"
        }
    }

    /// A field, or the element of one: `upsampling[2]`.
    private static func name(_ context: DecodingError.Context) -> String {
        context.codingPath.reduce("") { name, key in
            if let index = key.intValue { return "\(name)[\(index)]" }
            return name.isEmpty ? key.stringValue : "\(name).\(key.stringValue)"
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
        try require(
            (task == .guided) == (input == .guide),
            "the task \(task.rawValue) does not go with the network input \(input.rawValue)")
        try require(
            input == .noise || input.isPictureInNoise || input == .meshgrid && inputChannels == 2
                || [.image, .guide].contains(input)
                    && inputChannels <= FitProblem.bandCountMaximum,
            "\(inputChannels) channels are not those of the network input \(input.rawValue)")
        try require(
            (1...8).contains(levels), "downChannels has \(levels) levels; 1 to 8 work")
        let counts = [
            ("upChannels", upChannels.count), ("skipChannels", skipChannels.count),
            ("filterDown", filterDown.count), ("filterUp", filterUp.count),
            ("upsampling", upsampling.count),
        ]
        for (field, count) in counts {
            try require(
                count == levels,
                "\(field) has \(count) entries, but downChannels has \(levels): one a level is "
                    + "wanted")
        }
        for (field, channels) in [
            ("downChannels", downChannels), ("upChannels", upChannels),
            ("inputChannels", [inputChannels]),
        ] {
            for count in channels {
                try require(
                    (1...1024).contains(count), "\(field) holds \(count); 1 to 1024 are channels")
            }
        }
        for count in skipChannels {
            try require(
                (0...1024).contains(count),
                "skipChannels holds \(count); 0 for no skip branch, or 1 to 1024 work")
        }
        for (field, sizes) in [("filterDown", filterDown), ("filterUp", filterUp)] {
            for size in sizes {
                try require(
                    (1...11).contains(size) && size % 2 == 1,
                    "\(field) holds \(size); odd sizes from 1 to 11 work")
            }
        }
        try validateNumbers()
    }

    private func validateNumbers() throws(FitError) {
        try require(
            (1...1_000_000).contains(iterations),
            "iterations is \(iterations); 1 to 1000000 works")
        try require(
            snapshotInterval >= 1, "snapshotInterval is \(snapshotInterval); 1 or more works")
        try require(
            (0...1000).contains(rollBacksMaximum),
            "rollBacksMaximum is \(rollBacksMaximum); 0 to 1000 works")
        try require(
            huberThreshold > 0 && huberThreshold <= 1,
            "huberThreshold is \(huberThreshold); above 0, at most 1 works")
        try require(
            totalVariationWeight >= 0 && totalVariationWeight <= 1000,
            "totalVariationWeight is \(totalVariationWeight); 0 to 1000 works")
        try require(
            photonScale > 0 && photonScale <= 1e15,
            "photonScale is \(photonScale); above 0, at most 1e15 works")
        try require(
            abs(photonOffset) <= 1e15, "photonOffset is \(photonOffset); -1e15 to 1e15 works")
        for (field, value) in [
            ("inputScale", inputScale), ("gradientNormMaximum", gradientNormMaximum),
            ("collapseDecibels", collapseDecibels),
        ] {
            try require(
                value > 0 && value.isFinite, "\(field) is \(value); a number above 0 works")
        }
        try require(
            (1...64).contains(coarseBlock), "coarseBlock is \(coarseBlock); 1 to 64 pixels work")
        for (field, scale) in [("coarseScale", coarseScale), ("maskedScale", maskedScale)] {
            try require(
                scale > 0 && scale <= 10, "\(field) is \(scale); above 0, at most 10 works")
        }
        try require(
            maskedShare >= 0 && maskedShare <= 0.9,
            "maskedShare is \(maskedShare); 0 to 0.9 works")
        try require(
            (0...8).contains(maskedRadius), "maskedRadius is \(maskedRadius); 0 to 8 pixels work")
        try require(
            detailNoise.count <= 64 && detailNoise.allSatisfy { $0 >= 0 && $0 <= 1 },
            "detailNoise is \(detailNoise); at most 64 numbers from 0 to 1 work")
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
            start.utf8.count <= 64 && start.utf8.allSatisfy { $0 > 32 && $0 < 127 },
            "start is no identity of start weights")
        try require(
            !(givesWeights && measuresStop),
            "givesWeights and measuresStop are both set; a fit has one result")
        try require(
            heldOutShare > 0 && heldOutShare <= 0.5,
            "heldOutShare is \(heldOutShare); above 0, at most 0.5 works")
        try require(
            noiseDeviation >= 0 && noiseDeviation <= 1,
            "noiseDeviation is \(noiseDeviation); 0 to 1 works")
        try require(
            stopPatience >= StopCurve.interval,
            "stopPatience is \(stopPatience); \(StopCurve.interval) or more works")
        try require(stopWarmUp >= 0, "stopWarmUp is \(stopWarmUp); 0 or more works")
    }

    private func require(_ holds: Bool, _ sentence: @autoclosure () -> String) throws(FitError) {
        if !holds { throw .invalid(sentence()) }
    }
}
