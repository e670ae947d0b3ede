"""Tests of the report, which need no PyTorch: python3 -m unittest pytorch.report_test"""
import unittest
from types import SimpleNamespace

from pytorch import report


def measured(*milliseconds, megabytes=100):
    return {"milliseconds": list(milliseconds), "peakMemoryBytes": megabytes * 10**6,
            "coresTakenByOthers": 0.01}


def mode(name, precision, is_ours):
    return SimpleNamespace(name=name, precision=precision, is_ours=is_ours)


OURS = mode("ours, float32", "float32", True)
HALF = mode("ours, bfloat16", "bfloat16", True)
SLOW = mode("PyTorch float32", "float32", False)
FAST = mode("PyTorch bfloat16", "bfloat16", False)


def rows(network="paper-denoise", threads=1, tile=256):
    result = [
        report.row(network, tile, threads, OURS, [
            measured(55, 50, 90), measured(60, 40, megabytes=360)]),
        report.row(network, tile, threads, HALF, [measured(30)]),
        report.row(network, tile, threads, SLOW, [measured(200)]),
        report.row(network, tile, threads, FAST, [measured(100, 100), measured(102)])]
    report.add_ratios(result)
    return result


class ReportTest(unittest.TestCase):
    def test_a_row_holds_the_median_over_all_rounds_and_the_highest_peak(self):
        ours = rows()[0]
        self.assertEqual(ours["medianMilliseconds"], 55)
        self.assertEqual(ours["peakMemoryBytes"], 360e6)
        self.assertEqual(ours["rounds"], 2)

    def test_ratios_are_to_the_fastest_mode_of_pytorch(self):
        self.assertEqual([one["ratioToBest"] for one in rows()], [0.55, 0.3, 2, 1])

    def test_targets_are_judged_where_they_were_measured(self):
        pairs = [report.side_by_side(
            "paper-denoise", 256, OURS, [[measured(50)]], [[measured(62.5), measured(50)]])]
        self.assertAlmostEqual(pairs[0]["ratio"], 1.8)
        found = report.targets(rows() + rows("thin") + rows(threads=2), pairs)
        self.assertEqual([(one["reached"], one["isMet"]) for one in found], [
            ("0.55", True), ("0.30", True), ("0.30", True), ("0.55", True), ("1.80", True),
            ("360 MB", False)])
        self.assertEqual(report.targets(rows(tile=128), []), [])

    def test_tables_have_a_line_for_each_row(self):
        lines = report.markdown(rows()).splitlines()
        self.assertIn("| ours, float32 | 55.0 | 0.55 | 360 | 2 | 0.01 |", lines)
        self.assertEqual(sum(line.startswith("| ours") for line in lines), 2)


if __name__ == "__main__":
    unittest.main()
