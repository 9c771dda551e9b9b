"""Words for people that several layers need."""

from __future__ import annotations


def counted(n: int, one: str, many: str = "") -> str:
    """Return a number with its noun.

    Example:
        >>> counted(1, "image"), counted(2, "image"), counted(2, "person", "people")
        ('1 image', '2 images', '2 people')
    """
    return f"{n} {one if n == 1 else many or one + 's'}"
