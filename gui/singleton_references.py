"""A way around a mistake of PySide6 6.12 with Python 3.11, without which the window would crash.

Each ``emit`` and each ``disconnect`` returns True without counting a reference to it, so that the
count goes down by one; None goes the same way elsewhere. From Python 3.12 on these objects are not
counted. Before, the process is stopped at none, which is a few thousand signals after the start.
"""

from __future__ import annotations

import sys

# More than a century of a thousand signals a second, and far from overflowing with 64 bits.
_REFERENCES = 1 << 42


def keep_singletons_alive() -> None:
    """Give True, False and None so many references that they never run out."""
    if sys.version_info >= (3, 12) or sys.implementation.name != "cpython":
        return
    import ctypes

    for value in (True, False, None, NotImplemented, ...):
        # The count is the first field of every object; these live as long as the process.
        ctypes.c_ssize_t.from_address(id(value)).value += _REFERENCES
