#!/usr/bin/env python3
"""Draws the table of networks and tiles in docs/QUALITY.md: PSNR against arithmetic, as SVG.

    scripts/measures/frontier.py > docs/frontier.svg

Of each row and picture one point: the highest PSNR, and the arithmetic up to its iteration. The
line joins the points that no cheaper one reaches.
"""
import itertools
import math
import re
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/QUALITY.md"
PRESETS = {"16 channels, 128": "fast", "128 channels, 256": "paper-denoise"}
COLOURS = {
    "thin": "#7a7a7a", "16": "#b8860b", "32": "#1f6fb4", "64": "#2a9d4a", "128": "#c0392b"}
WIDTH, HEIGHT, MARGIN = 340, 250, 46


def cells(line):
    return [cell.strip().replace("`", "") for cell in line.strip().strip("|").split("|")]


def rows(text):
    """The pictures, and (network and tile, TFLOP a megapixel and 100 iterations, entries)."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("| network, tile |"))
    found = []
    for line in itertools.takewhile(lambda line: line.startswith("|"), lines[start + 2:]):
        name, *rest = cells(line)
        found.append((re.sub(r" \(.*\)", "", name), float(rest[0]), rest[1:]))
    return cells(lines[start])[2:], found


def points(found, column):
    """(arithmetic in TFLOP a megapixel, PSNR, network and tile), cheapest first."""
    result = []
    for name, cost, entries in found:
        match = re.fullmatch(r"([\d.]+) at (\d+)\+?", entries[column])
        if match:
            result.append((cost * int(match[2]) / 100, float(match[1]), name))
    return sorted(result)


def colour(name):
    return COLOURS[re.match(r"thin|\d+", name)[0]]


def panel(title, found, column, left, top):
    data = points(found, column)
    best = max(psnr for _, psnr, _ in data)
    low = best - 2

    def place(cost, psnr):
        share = (math.log10(cost) - 1) / 3
        return (left + MARGIN + share * (WIDTH - MARGIN - 24),
                top + 28 + (best + 0.15 - psnr) / 2.15 * (HEIGHT - 64))

    out = [f'<text x="{left + MARGIN}" y="{top + 16}" font-weight="bold">{title}</text>']
    for cost in (10, 100, 1000, 10000):
        x = place(cost, best)[0]
        out.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top + 24}" y2="{top + HEIGHT - 36}" '
                   f'stroke="#ddd"/><text x="{x:.1f}" y="{top + HEIGHT - 22}" '
                   f'text-anchor="middle">{cost}</text>')
    for half in range(math.ceil(low * 2), math.floor(best * 2) + 1):
        y = place(10, half / 2)[1]
        out.append(f'<line x1="{left + MARGIN}" x2="{left + WIDTH - 24}" y1="{y:.1f}" '
                   f'y2="{y:.1f}" stroke="#ddd"/><text x="{left + MARGIN - 4}" y="{y + 4:.1f}" '
                   f'text-anchor="end">{half / 2:.1f}</text>')
    frontier, reached = [], 0.0
    for cost, psnr, _ in data:
        if psnr > reached and psnr >= low:
            frontier.append("{:.1f},{:.1f}".format(*place(cost, psnr)))
        reached = max(reached, psnr)
    out.append(f'<polyline points="{" ".join(frontier)}" fill="none" stroke="#999"/>')
    for cost, psnr, name in data:
        if psnr < low:
            continue
        x, y = place(cost, psnr)
        out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour(name)}">'
                   f"<title>{name}: {psnr} dB, {cost:.0f} TFLOP</title></circle>")
        if name in PRESETS:
            out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="7" fill="none" '
                       f'stroke="{colour(name)}"/><text x="{x:.1f}" y="{y + 19:.1f}" '
                       f'text-anchor="middle" font-style="italic">{PRESETS[name]}</text>')
    return out


def main():
    pictures, found = rows(DOCUMENT.read_text(encoding="utf-8"))
    height = HEIGHT * math.ceil(len(pictures) / 3) + 30
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {3 * WIDTH} {height}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="{3 * WIDTH}" height="{height}" fill="#fff"/>']
    for column, title in enumerate(pictures):
        out += panel(
            title, found, column, column % 3 * WIDTH, column // 3 * HEIGHT)
    out.append(f'<text x="{MARGIN}" y="{height - 12}">PSNR in dB over TFLOP a megapixel.</text>')
    for index, (name, value) in enumerate(COLOURS.items()):
        x = 300 + 110 * index
        label = name if name == "thin" else f"{name} channels"
        out.append(f'<circle cx="{x}" cy="{height - 16}" r="4" fill="{value}"/>'
                   f'<text x="{x + 8}" y="{height - 12}">{label}</text>')
    print("\n".join([*out, "</svg>"]))


if __name__ == "__main__":
    main()
