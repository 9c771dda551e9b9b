"""Real photographs for tests: public domain, from packages that ship them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from facerec.services import demo_photos

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("FACEREC_PHOTOS", ROOT / ".cache" / "photos"))


def photo(name: str) -> Path:
    """Return the path of a photograph, skipping the test when it cannot be had offline."""
    entry = next(entry for entry in demo_photos.PHOTOS if entry.file == name)
    installed = demo_photos._installed(entry)
    if installed is not None:
        return installed
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"{name} is not there; `make photos` fetches it")
    return path


def astronaut() -> Path:
    """Eileen Collins: one face, 512x512."""
    return photo("astronaut.png")


def grace_hopper() -> Path:
    """Grace Hopper: one face, 512x606."""
    return photo("grace_hopper.jpg")


def obama(number: int = 1) -> Path:
    """Barack Obama, photographs 1 to 3."""
    return photo("obama.jpg" if number == 1 else f"obama{number}.jpg")


def biden() -> Path:
    """Joe Biden."""
    return photo("biden.jpg")
