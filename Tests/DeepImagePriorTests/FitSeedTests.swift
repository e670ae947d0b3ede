import DeepImagePrior
import Testing

@Suite struct FitSeedTests {
    @Test func `the first fit of a tile has the seed of the job`() {
        for seed: UInt64 in [0, 7, .max] {
            let configuration = FitConfiguration.tiny { $0.seed = seed }
            #expect(configuration.seed(restart: 0) == seed)
        }
    }

    @Test func `seeds of restarts and retries differ and every JSON reader can hold them`() {
        var seen: Set<UInt64> = []
        for seed: UInt64 in [0, 1, 2, .max] {
            let configuration = FitConfiguration.tiny { $0.seed = seed }
            for restart in 0..<32 {
                for retry in 0..<3 where restart + retry > 0 {
                    let derived = configuration.seed(restart: restart, retry: retry)
                    #expect(derived < 1 << 53)
                    #expect(
                        seen.insert(derived).inserted,
                        "seed \(seed) restart \(restart) retry \(retry)")
                }
            }
        }
    }
}
