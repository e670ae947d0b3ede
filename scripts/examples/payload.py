"""Pixels on their way, in pieces: what docs/PROTOCOL.md says of payloads."""
import json
import zlib

import numpy as np

PIECE = 1 << 20


def messages(header, pixels):
    """The frames of each message that carries pixels (height, width, bands)."""
    content = pixels.astype("<f4").tobytes()
    payload = {"dtype": "float32", "shape": pixels.shape, "byteCount": len(content),
               "crc32": zlib.crc32(content)}
    for index, offset in enumerate(range(0, len(content), PIECE)):
        piece = {"index": index, "count": -(-len(content) // PIECE), "offset": offset}
        whole = {**header, "payload": {**payload, "piece": piece}}
        yield [json.dumps(whole).encode(), content[offset:offset + PIECE]]


class Assembler:
    """The assignment that is arriving. Its pieces may come in any order, and more than once."""

    def __init__(self):
        self.key, self.pieces = None, {}

    def add(self, header, content, limit):
        """The pixels, when this was the last missing piece and the checksum holds; else None."""
        payload, piece = header["payload"], header["payload"]["piece"]
        height, width, bands = payload["shape"]
        size = payload["byteCount"]
        if not 0 < size <= min(limit, 1 << 30) or size != 4 * height * width * bands:
            raise ValueError(f"a payload of {size} bytes, at most {limit} are wanted")
        key = (header["tile"], header["attempt"], payload["crc32"], size)
        if key != self.key:
            self.key, self.pieces = key, {}
        self.pieces[piece["index"]] = content
        if len(self.pieces) < -(-size // PIECE):
            return None
        content = b"".join(self.pieces[index] for index in sorted(self.pieces))
        self.key, self.pieces = None, {}
        if len(content) != size or zlib.crc32(content) != payload["crc32"]:
            raise ValueError("a payload that does not match its checksum")
        return np.frombuffer(content, "<f4").reshape(height, width, bands)
