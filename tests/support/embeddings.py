"""Embeddings as an encoder gives them, near to each other as a test wants."""

import math
import struct

DIMENSIONS = 512


def embedding(*numbers: float) -> bytes:
    """One whose direction is that of these numbers, each of which stands for its share of the 512."""
    share = DIMENSIONS // max(1, len(numbers))
    spread = [number for number in numbers for _ in range(share)]
    spread += [0.0] * (DIMENSIONS - len(spread))
    length = math.hypot(*spread) or 1.0
    return struct.pack(f"<{DIMENSIONS}e", *(number / length for number in spread))
