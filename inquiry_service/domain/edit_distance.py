"""How far a text was changed: Levenshtein's distance."""


def edit_distance(first: str, second: str) -> int:
    """How many characters must be inserted, deleted or replaced to make one text of the other.

    One column of the classic table at a time, a bit per row, by the algorithm of Myers as Hyyrö tells it: Python's
    integers do a column of 20,000 rows at once, so that two texts of that length take a fraction of a second.
    """
    start = _alike(first, second)
    first, second = first[start:], second[start:]
    end = _alike(first[::-1], second[::-1])
    rows, columns = sorted((first[: len(first) - end], second[: len(second) - end]), key=len, reverse=True)
    if not columns:
        return len(rows)
    places: dict[str, int] = {}
    for row, character in enumerate(rows):
        places[character] = places.get(character, 0) | 1 << row
    every, last = (1 << len(rows)) - 1, 1 << (len(rows) - 1)
    distance = len(rows)
    higher, lower = every, 0  # where a cell is by 1 above the one before it, and where below
    for character in columns:
        equal = places.get(character, 0)
        diagonal = (((equal & higher) + higher) ^ higher) | equal | lower
        rising, falling = lower | ~(diagonal | higher) & every, diagonal & higher
        if rising & last:
            distance += 1
        elif falling & last:
            distance -= 1
        rising = rising << 1 | 1
        higher, lower = (falling << 1 | ~(diagonal | rising)) & every, rising & diagonal & every
    return distance


def _alike(first: str, second: str) -> int:
    for index, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return index
    return min(len(first), len(second))
