// What a fit takes for a good explanation of the pixels.

public import ArgumentParser
public import DeepImagePrior
import Imaging

extension DataTerm: ExpressibleByArgument {}
extension NoiseModel: ExpressibleByArgument {}

struct LossOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            How a sample's error counts: squared, for noise like a Gaussian's; l1, where single \
            samples are far off; huber, between both. (default: the preset's, squared but in files)
            """, valueName: "name"))
    var loss: DataTerm?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            Weight of the picture's total variation, which makes parts even, so that noise is \
            reproduced later and fine structure too; 0 to 1000, of which 0.01 is little and 0.1 \
            much. (default: the preset's, 0 but in files)
            """, valueName: "weight"))
    var tv: Double?

    @Option(
        help: ArgumentHelp(
            """
            The noise: gaussian, as strong in bright parts as in dark ones; or poisson, that of \
            counted photons, whose values are compared by their roots. (default: the preset's, \
            gaussian but in files)
            """, valueName: "name"))
    var noise: NoiseModel?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            With poisson: photons or electrons that one of the file's values stands for; above 0. \
            (default: 1)
            """, valueName: "count"))
    var countsPerValue: Double?

    func validate() throws {
        if let tv, !(0...1000).contains(tv) {
            throw ValidationError("--tv is \(tv); 0 to 1000 is wanted")
        }
        if let countsPerValue, !(countsPerValue > 0 && countsPerValue <= 1e9) {
            throw ValidationError(
                "--counts-per-value is \(countsPerValue); above 0, at most 1e9 is wanted")
        }
    }

    func apply(to configuration: inout FitConfiguration) throws {
        if let loss { configuration.dataTerm = loss }
        if let tv { configuration.totalVariationWeight = tv }
        if let noise { configuration.noiseModel = noise }
        if countsPerValue != nil, configuration.noiseModel != .poisson {
            throw ProgramError(
                .usage, "--counts-per-value is given without --noise poisson, which it is for")
        }
    }

    /// Counts, from the values that a fit sees as 0 and 1.
    func setCounts(of header: ImageHeader, in configuration: inout FitConfiguration) {
        guard configuration.noiseModel == .poisson else { return }
        configuration.setCounts(
            perValue: countsPerValue ?? 1, low: header.values.low, high: header.values.high)
    }
}
