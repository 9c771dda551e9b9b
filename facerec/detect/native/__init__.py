"""Compiled code for detection, where the processor has AVX2 or AVX-512.

It is compiled when facerec is installed (``tools/build_native.py``). Where that was not possible,
or the processor is of another kind, numpy and the inference runtime do the same work.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

LIBRARY = Path(__file__).with_name("kernels.so")


@lru_cache(maxsize=1)
def library() -> ctypes.CDLL | None:
    """Load the compiled code; None where there is none for this system."""
    try:
        loaded = ctypes.CDLL(str(LIBRARY))
    except OSError:
        return None
    loaded.suppress.restype = ctypes.c_int64
    return loaded


def available_kinds() -> tuple[int, ...]:
    """Kinds of code that run here, the best first: 4 for AVX-512, 3 for AVX2."""
    loaded = library()
    return tuple(range(loaded.processor_kind(), 2, -1)) if loaded else ()


def address(array: NDArray[Any]) -> ctypes.c_void_p:
    """Where a contiguous array lies, as compiled code takes it; keeps it alive.

    Args:
        array: of any shape (N, ...), contiguous.
    """
    return array.ctypes.data_as(ctypes.c_void_p)
