import Foundation
import Testing

extension EndToEndTests {
    /// What scripts compute without the libraries that they set up.
    @Suite struct Scripts {
        private static let python = "/usr/bin/python3"

        @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: python)))
        func `the comparison with PyTorch takes the right medians and ratios`() throws {
            let scripts = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .deletingLastPathComponent().deletingLastPathComponent()
                .appendingPathComponent("scripts").path
            try withSession { session in
                let process = try session.start(
                    Self.python, ["-m", "unittest", "pytorch.report_test"],
                    environment: ["PYTHONPATH": scripts, "PYTHONDONTWRITEBYTECODE": "1"])
                #expect(process.wait() == .exited(0), process.story)
                // It found its tests.
                #expect(process.errors.contains(/Ran [4-9] tests/), process.story)
            }
        }
    }
}
