"""Face recognition: detect, align, embed, enrol, identify.

The names below are imported when first used, so that ``import facerec`` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facerec.api import Gallery as Gallery
    from facerec.api import Recognizer as Recognizer

__version__ = "0.1.0"
__all__ = ["Gallery", "Recognizer", "__version__"]


def __getattr__(name: str) -> object:
    if name in {"Gallery", "Recognizer"}:
        return getattr(import_module("facerec.api"), name)
    raise AttributeError(f"module 'facerec' has no attribute {name!r}")
