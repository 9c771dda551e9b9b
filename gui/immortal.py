"""Keeps ``None``, ``True`` and ``False`` alive under Python 3.11.

PySide6 6.12 is built as though they were immortal, which they are from Python 3.12 on (PEP 683).
Under 3.11 each of its calls that returns ``None`` gives up one reference too many; after some
thousands of calls the interpreter ends with "deallocating None". A count that never comes down
keeps them. ``tests/unit/gui/test_immortal.py`` shows the fault and the cure.
"""

from __future__ import annotations

import ctypes
import sys


def keep_alive() -> None:
    """Raise the reference counts beyond reach; does nothing where they do not count."""
    is_counted = sys.implementation.name == "cpython" and sys.version_info < (3, 12)
    if not is_counted or hasattr(sys, "getobjects"):  # (such builds lay objects out otherwise)
        return
    for thing in (None, True, False):
        if sys.getrefcount(thing) < sys.maxsize >> 3:
            ctypes.c_ssize_t.from_address(id(thing)).value += sys.maxsize >> 2
