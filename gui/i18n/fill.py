"""Puts values into a sentence."""

from __future__ import annotations

import re


def fill(text: str, *values: str) -> str:
    """Put values in the places ``%1``, ``%2``, ... all at once: a name may itself hold "%2".

    Example:
        >>> fill("%2 before %1", "%2", "b")
        'b before %2'
    """
    return re.sub(r"%(\d)", lambda place: values[int(place[1]) - 1], text)
