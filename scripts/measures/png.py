"""PNG files of 8 bits, gray or RGB, not interlaced: read and written with nothing but Python."""
import math
import struct
import zlib
from pathlib import Path

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def read(path):
    """Width, height, bands and rows of bytes."""
    data = Path(path).read_bytes()
    assert data[:8] == SIGNATURE, f"{path} is no PNG"
    place, compressed, header = 8, b"", None
    while place < len(data):
        length, kind = struct.unpack(">I4s", data[place: place + 8])
        body = data[place + 8: place + 8 + length]
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", body)
        elif kind == b"IDAT":
            compressed += body
        place += 12 + length
    width, height, depth, colors, _, _, interlaced = header
    assert depth == 8 and colors in (0, 2) and not interlaced, f"{path} is no plain PNG of 8 bits"
    bands = 1 if colors == 0 else 3
    return width, height, bands, _unfilter(zlib.decompress(compressed), width, height, bands)


def _unfilter(data, width, height, bands):
    stride, rows, above = width * bands, [], bytearray(width * bands)
    for index in range(height):
        begin = index * (stride + 1)
        kind, row = data[begin], bytearray(data[begin + 1: begin + 1 + stride])
        for place in range(stride):
            left = row[place - bands] if place >= bands else 0
            corner = above[place - bands] if place >= bands else 0
            row[place] = (row[place] + _predicted(kind, left, above[place], corner)) & 255
        rows.append(bytes(row))
        above = row
    return rows


def _predicted(kind, left, up, corner):
    if kind == 4:
        guess = left + up - corner
        return min((left, up, corner), key=lambda value: abs(guess - value))
    return (0, left, up, (left + up) // 2)[kind]


def write(path, width, height, bands, rows):
    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body
            + struct.pack(">I", zlib.crc32(kind + body)))

    header = struct.pack(">IIBBBBB", width, height, 8, 0 if bands == 1 else 2, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    Path(path).write_bytes(
        SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b""))


def mask_of_zeros(source, target):
    """White where all samples of a pixel are 0: pixels that are missing from published pictures."""
    width, height, bands, rows = read(source)
    marks = [
        bytes(
            255 * (not any(row[place: place + bands])) for place in range(0, len(row), bands))
        for row in rows]
    write(target, width, height, 1, marks)


def side_by_side(paths, target):
    """Pictures of one size beside each other, the last followed by how far it is from the first,
    eight times, around gray."""
    pictures = [read(path) for path in paths]
    width, height, bands, _ = pictures[0]
    if any(picture[:3] != (width, height, bands) for picture in pictures):
        return False
    rows = []
    for index in range(height):
        first, last = pictures[0][3][index], pictures[-1][3][index]
        difference = bytes(
            min(max(128 + 8 * (one - other), 0), 255) for one, other in zip(last, first))
        rows.append(b"".join(picture[3][index] for picture in pictures) + difference)
    write(target, width * (len(pictures) + 1), height, bands, rows)
    return True


def luminance_psnr(clean, restored):
    """PSNR in dB as the authors count it for enlarged pictures: of the luminance of BT.601, which
    goes from 16 to 235, without the outermost pixels (super-resolution_eval_script.py)."""
    width, height, bands, first = read(clean)
    *size, second = read(restored)
    assert [width, height, 3] == size and bands == 3, f"{clean}, {restored}: not RGB of one size"
    weights = [219 / 255 * weight for weight in (0.299, 0.587, 0.114)]
    total, count = 0.0, 0
    for one, other in zip(first[4:height - 5], second[4:height - 5]):
        for place in range(4 * 3, (width - 5) * 3, 3):
            difference = sum(
                weight * (one[place + band] - other[place + band])
                for band, weight in enumerate(weights))
            total += difference * difference
            count += 1
    return 10 * math.log10(255 * 255 * count / total) if total else math.inf
