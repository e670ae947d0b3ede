"""Tables of what pytorch.starts has measured: python -m pytorch.starts_table OUTPUT [IMAGE...]

For each image: PSNR over iterations; PSNR over arithmetic or CPU time with the start's share in
them, for pictures of 16, 64 and 256 tiles; and the arithmetic that a PSNR takes.
"""
import json
import sys

import numpy as np

SHOWN = (25, 50, 100, 150, 200, 300, 400)
TOTALS = (50, 75, 100, 150, 200, 300, 400)
SHARERS = (16, 64, 256)
# dB below the best of the way "tile".
BELOW = (0.5, 0.1)
# The averages other than 0.98, of these ways.
AVERAGED = ("random", "tile", "small", "tile, noise 0.05", "tile, noise 0.1", "tile, crops")
NAMES = {
    "0.99": "average 0.99", "0.98, first": "average 0.98 from the first output on",
    "0.99, first": "average 0.99 from the first output on",
    "0.98, every fifth": "average of every fifth output", "none": "no average"}


class Curve:
    """Of a line and one of its averages."""

    def __init__(self, line, average="0.98"):
        self.line, self.marks = line, line["marks"]
        self.tiles = np.array(line["psnr"][average])
        self.mean = self.tiles.mean(1)
        every = 5 if "fifth" in average else 1
        self.arithmetic = line["arithmetic"] + line["look"] / every
        self.milliseconds = line["milliseconds"] + line["look milliseconds"] / every

    def best(self):
        at = int(self.mean.argmax())
        return f"{self.mean[at]:.2f} at {self.marks[at]}{'+' if at + 1 == len(self.marks) else ''}"

    def costs(self, sharers, unit):
        """Of a tile, at each mark."""
        line, marks = self.line, np.array(self.marks)
        if unit == "arithmetic":
            return line["before"] + line["start"] / sharers + self.arithmetic * marks
        seconds = line["seconds before"] + line["start seconds"] / sharers
        return seconds + self.milliseconds / 1000 * marks

    def at_cost(self, total, sharers, unit="arithmetic"):
        costs = self.costs(sharers, unit)
        if not costs[0] <= total <= costs[-1]:
            return "-"
        return f"{np.interp(total, costs, self.mean):.2f}"

    def cost_of(self, psnr, sharers, unit="arithmetic"):
        """Where the curve first comes so high."""
        above = np.flatnonzero(self.mean >= psnr)
        if len(above) == 0:
            return "-"
        at, costs = int(above[0]), self.costs(sharers, unit)
        if at == 0:
            return f"{costs[0]:.3g} or less"
        # Between two marks of which only the second is so high.
        return f"{np.interp(psnr, self.mean[at - 1: at + 1], costs[at - 1: at + 1]):.3g}"


def row(*cells):
    print("| " + " | ".join(map(str, cells)) + " |")


def head(*cells):
    row(*cells)
    print("|" + "---|" * len(cells))


def iterations(image, curves):
    head(image, *SHOWN, "best", "each tile at its best", "start", "an iteration", "CPU ms")
    for name, curve in curves.items():
        shown = [
            f"{curve.mean[curve.marks.index(mark)]:.2f}" if mark in curve.marks else "-"
            for mark in SHOWN]
        before = f" + {curve.line['before']:.0f}" if curve.line["before"] else ""
        row(name, *shown, curve.best(), f"{curve.tiles.max(0).mean():.2f}",
            f"{curve.line['start']:.0f}{before}", f"{curve.arithmetic:.2f}",
            f"{curve.milliseconds:.0f}")


def totals(image, curves, unit, of_unit):
    head(f"{image}, {unit} of a tile", "tiles", *(f"{total * of_unit:.3g}" for total in TOTALS))
    for name, curve in curves.items():
        for sharers in SHARERS if curve.line["start"] else ("any",):
            count = sharers if curve.line["start"] else 1
            row(name, sharers, *(
                curve.at_cost(total * of_unit, count, unit) for total in TOTALS))


def prices(image, curves, best):
    for unit in ("arithmetic", "CPU seconds"):
        head(f"{image}, {unit} of a tile to reach", *(
            f"{best - below:.2f} dB, {sharers} tiles" for below in BELOW for sharers in SHARERS))
        for name, curve in curves.items():
            row(name, *(
                curve.cost_of(best - below, sharers, unit)
                for below in BELOW for sharers in SHARERS))
        print()


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        lines = list(map(json.loads, file))
    for image in sys.argv[2:] or dict.fromkeys(line["image"] for line in lines):
        of_image = [line for line in lines if line["image"] == image]
        curves = {line["way"]: Curve(line) for line in of_image}
        averaged = {
            f"{line['way']}, {text}": Curve(line, key) for line in of_image
            if line["way"] in AVERAGED for key, text in NAMES.items()}
        iterations(image, curves | averaged)
        print()
        if "tile" not in curves:
            continue
        totals(image, curves, "arithmetic", 1)
        print()
        totals(image, curves, "CPU seconds", curves["tile"].milliseconds / 1000)
        print()
        prices(image, curves, curves["tile"].mean.max())


if __name__ == "__main__":
    main()
