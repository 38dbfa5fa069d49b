"""One colour per token id, the same on every page and in every component (whose half is `common.js`)."""

GOLDEN_ANGLE = 137.508


def token_hue(token_id: int) -> float:
    """The hue of a token in degrees (0 to 360); ids that follow each other get hues far apart.

    >>> [round(token_hue(i)) for i in range(4)]
    [0, 138, 275, 53]
    """
    return (token_id * GOLDEN_ANGLE) % 360
