#!/usr/bin/env python3
"""Draws the table "fit | iterations | ..." of docs/QUALITY.md: PSNR against CPU seconds, as SVG.

    scripts/measures/against.py > docs/against-pytorch.svg
"""
import math
from pathlib import Path

from frontier import DOCUMENT, cells

WIDTH, HEIGHT, LEFT, BOTTOM = 720, 400, 60, 60
COLOURS = ("#c0392b", "#e59866", "#1f6fb4", "#7fb3d5", "#2a9d4a")
DECADES = (1, 5)


def curves(text):
    """For each fit its points (CPU seconds a megapixel, PSNR)."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    start = next(i for i, line in enumerate(lines) if line.startswith("| fit | iterations |"))
    found = {}
    for line in lines[start + 2:]:
        row = cells(line)
        if len(row) != 4:
            break
        found.setdefault(row[0], []).append((float(row[2].replace(",", "")), float(row[3])))
    return found


def main():
    found = curves(Path(DOCUMENT).read_text(encoding="utf-8"))
    values = [psnr for points in found.values() for _, psnr in points]
    low, high = math.floor(min(values)), math.ceil(max(values))

    def place(seconds, psnr):
        share = (math.log10(seconds) - DECADES[0]) / (DECADES[1] - DECADES[0])
        return (LEFT + share * (WIDTH - LEFT - 40),
                20 + (high - psnr) / (high - low) * (HEIGHT - BOTTOM - 20))

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>']
    for decade in range(DECADES[0], DECADES[1] + 1):
        x, y = place(10 ** decade, low)
        out.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="20" y2="{y:.1f}" stroke="#ddd"/>'
                   f'<text x="{x:.1f}" y="{y + 16:.1f}" text-anchor="middle">'
                   f"{10 ** decade:,}</text>")
    for psnr in range(low, high + 1, 2):
        y = place(10, psnr)[1]
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - 40}" y1="{y:.1f}" y2="{y:.1f}" '
                   f'stroke="#ddd"/><text x="{LEFT - 6}" y="{y + 4:.1f}" '
                   f'text-anchor="end">{psnr}</text>')
    for index, (name, points) in enumerate(found.items()):
        colour = COLOURS[index]
        places = [place(*point) for point in sorted(points)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}"/>')
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>' for x, y in places]
        x, y = LEFT + 190, place(10, low)[1] - 16 - 18 * index
        out.append(f'<circle cx="{x}" cy="{y - 4:.1f}" r="4" fill="{colour}"/>'
                   f'<text x="{x + 10}" y="{y:.1f}">{name}</text>')
    out.append(f'<text x="{LEFT}" y="{HEIGHT - 10}">PSNR in dB over CPU seconds a megapixel, '
               "logarithmic.</text>")
    print("\n".join([*out, "</svg>"]))


if __name__ == "__main__":
    main()
