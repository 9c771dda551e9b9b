"""The built-in sample video: a test camera for who has none, or wants to try the window first.

Two people of the public-domain photographs come and go: each alone, then both together, the first
one from another photograph. The photographs are those of the demo, which fetches them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from facerec.detect.base import Detector
from facerec.errors import NotFoundError
from facerec.imaging.frames import FrameSource, ImagesSource
from facerec.imaging.scripted import Actor, Key, Script, Sprite, plain_ground
from facerec.imaging.video import VideoFrame
from facerec.paths import cache_dir
from facerec.services.cast import cut_out
from facerec.types import ImageRGB

FRAME_HW = (540, 960)
DURATION_S = 18.0
_FRAMES_PER_S = 20.0
FIRST, SECOND = "Barack Obama", "Joe Biden"
_FILES = ("obama.jpg", "obama2.jpg", "biden.jpg")


def sample_video(detector: Detector) -> FrameSource:
    """Return the sample as a camera that shows it over and over.

    Args:
        detector: finds the faces in the photographs.

    Raises:
        NotFoundError: the photographs are not there; this program goes online only when asked to.
    """
    folder = cache_dir() / "photos"
    if not all((folder / file).is_file() for file in _FILES):
        raise NotFoundError(
            "The photographs of the sample video are not on this computer yet.",
            remedy="Fetch them once in a terminal: facerec demo --only-fetch",
        )
    script = sample_script(*(cut_out(folder / file, detector) for file in _FILES))
    return ImagesSource(lambda: _in_time(script), label="sample video", is_live=True, repeats=True)


def sample_script(first: Sprite, first_again: Sprite, second: Sprite) -> Script:
    """Return who comes when: one alone, the other alone, both.

    Args:
        first: the first person.
        first_again: the same from another photograph.
        second: the other person.
    """
    alone = (Key(0.0, 440, 270, 190), Key(2.5, 500, 265, 215), Key(5.0, 540, 275, 200))
    next_alone = (Key(6.0, 360, 265, 185), Key(8.5, 420, 275, 210), Key(11.0, 380, 270, 190))
    at_the_left = (Key(12.0, 240, 270, 180), Key(17.2, 300, 262, 195))
    at_the_right = (Key(12.0, 700, 280, 175), Key(17.2, 660, 270, 190))
    actors = (
        Actor(FIRST, first, alone),
        Actor(SECOND, second, next_alone),
        Actor(FIRST, first_again, at_the_left),
        Actor(SECOND, second, at_the_right, layer=1),
    )
    return Script(actors, _calm_ground(), DURATION_S, _FRAMES_PER_S, noise=0.0)


def _in_time(script: Script) -> Iterator[VideoFrame]:
    """Draw the frames as a camera would give them: what is late already is passed over."""
    began = time.monotonic()
    number = 0
    while number < script.n_frames:
        yield VideoFrame(number / script.frames_per_s, script.frame(number))
        number = max(number + 1, round((time.monotonic() - began) * script.frames_per_s))


def _calm_ground() -> ImageRGB:
    """A wall in soft light, (H, W, 3) uint8, RGB."""
    spots = plain_ground(*FRAME_HW, seed=3).mean(axis=2, keepdims=True)
    wall = np.array([168.0, 174.0, 180.0]) + 0.12 * (spots - 125.0)
    ground: ImageRGB = wall.clip(0, 255).astype(np.uint8)
    return ground
