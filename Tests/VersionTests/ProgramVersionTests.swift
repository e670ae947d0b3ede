import Testing
import Version

struct ProgramVersionTests {
    @Test func `the first line is for scripts and the others stand in columns`() {
        let lines = ProgramVersion.report("dip-x", [("a", "1"), ("longer", "2")])
            .split(separator: "\n").map(String.init)
        #expect(lines[0] == "dip-x \(ProgramVersion.text) (commit unknown)")
        #expect(lines[1...2] == ["a           1", "longer      2"])
        #expect(lines[3].hasPrefix("libdeflate  "))
        #expect(lines.count == 4)
    }
}
