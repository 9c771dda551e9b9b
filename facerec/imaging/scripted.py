"""A video made from a script: cut-out people move before a ground, and where they are is known.

Tests, benchmarks and the window's test camera play it. An actor is a photograph with an outline; a
path of key points says where the face is and how large, between which it moves evenly. Effects
(blur, light) come from key points too. Everything follows from the script: the same time gives the
same frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facerec.errors import RangeError
from facerec.imaging.opencv import cv2
from facerec.imaging.video import VideoFrame
from facerec.types import ImageRGB

Floats = NDArray[np.float64]
# The sheet of noise is larger than a frame by this, and shifted from frame to frame.
_SHEET_SPARE_PX = 64
# Faces of sprites are not kept larger than this, as they are drawn smaller anyway.
_MOST_FACE_PX = 320


@dataclass(frozen=True, slots=True)
class Key:
    """Where an actor's face is at one moment.

    Attributes:
        time_s: the moment.
        x: middle of the face, pixels from the left of the frame.
        y: middle of the face, pixels from its top.
        height_px: of the face's box.
        roll_deg: turn of the head, clockwise.
        blur_px: standard deviation of a blur, in pixels of the frame.
        light: what brightness is multiplied by.
    """

    time_s: float
    x: float
    y: float
    height_px: float
    roll_deg: float = 0.0
    blur_px: float = 0.0
    light: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Sprite:
    """A photograph with the outline of what is shown of it.

    Attributes:
        image: (H, W, 3) uint8, RGB.
        alpha: (H, W) float32, 0 where the ground shows through, 1 where it does not.
        face_box: (4,) left, top, right, bottom of the face in it, pixels.
    """

    image: ImageRGB
    alpha: NDArray[np.float32]
    face_box: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Actor:
    """One stay of one person in the video.

    Attributes:
        name: who; the same person may have several stays, also with other photographs.
        sprite: what is shown.
        keys: at least one, in order of time; from the first to the last one the actor is there.
        layer: higher ones hide lower ones.
    """

    name: str
    sprite: Sprite
    keys: tuple[Key, ...]
    layer: int = 0

    def __post_init__(self) -> None:
        times = [key.time_s for key in self.keys]
        if not times or times != sorted(times):
            raise RangeError("An actor has key points in order of time.")

    def at(self, time_s: float) -> Key | None:
        """Say where the actor is; None when not there."""
        times = [key.time_s for key in self.keys]
        if not times[0] <= time_s <= times[-1]:
            return None
        values = [
            float(np.interp(time_s, times, [getattr(key, name) for key in self.keys]))
            for name in ("x", "y", "height_px", "roll_deg", "blur_px", "light")
        ]
        return Key(time_s, *values)


@dataclass(frozen=True, slots=True, eq=False)
class TrueFace:
    """One face as the script has it.

    Attributes:
        name: who.
        box_xyxy: (4,) left, top, right, bottom in pixels; may reach beyond the frame.
        visible: share of the box that is inside the frame and not hidden by others.
        blur_px: see ``Key``.
    """

    name: str
    box_xyxy: NDArray[np.float32]
    visible: float
    blur_px: float


@dataclass(frozen=True, slots=True, eq=False)
class Script:
    """A whole video.

    Attributes:
        actors: who comes and goes.
        ground: (H, W, 3) uint8, RGB, before which they move.
        duration_s: how long it lasts.
        frames_per_s: how many frames a second.
        noise: standard deviation of a camera's noise, in grey levels.
    """

    actors: tuple[Actor, ...]
    ground: ImageRGB
    duration_s: float
    frames_per_s: float = 25.0
    noise: float = 2.0

    @property
    def n_frames(self) -> int:
        """How many frames it has."""
        return round(self.duration_s * self.frames_per_s)

    def frame(self, number: int) -> ImageRGB:
        """Draw one frame, counted from 0: (H, W, 3) uint8, RGB."""
        image = self.ground.copy()
        for actor, key in self._on_stage(number / self.frames_per_s):
            _paste(image, actor.sprite, key)
        if self.noise:
            cv2.add(image, _noise(image.shape, self.noise, number), dst=image, dtype=cv2.CV_8U)
        return image

    def truth(self, number: int) -> list[TrueFace]:
        """Say where the faces of a frame are, those in front last."""
        height, width = self.ground.shape[:2]
        stage = self._on_stage(number / self.frames_per_s)
        owner = np.zeros((height, width), np.uint8)
        for index, (actor, key) in enumerate(stage, start=1):
            _mark(owner, actor.sprite, key, index)
        faces = []
        for index, (actor, key) in enumerate(stage, start=1):
            box = _face_box(actor.sprite, key)
            left, top, right, bottom = np.round(box).astype(int)
            inside = owner[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
            visible = float((inside == index).sum()) / max((right - left) * (bottom - top), 1)
            faces.append(TrueFace(actor.name, box, min(visible, 1.0), key.blur_px))
        return faces

    def frames(self) -> Iterator[VideoFrame]:
        """Draw all frames, one after the other."""
        for number in range(self.n_frames):
            yield VideoFrame(number / self.frames_per_s, self.frame(number))

    def _on_stage(self, time_s: float) -> list[tuple[Actor, Key]]:
        there = [(actor, actor.at(time_s)) for actor in self.actors]
        stage = [(actor, key) for actor, key in there if key is not None]
        return sorted(stage, key=lambda pair: pair[0].layer)


def make_sprite(image: ImageRGB, face_box: NDArray[np.floating[Any]]) -> Sprite:
    """Cut a head out of a photograph: an ellipse around the face with a soft edge.

    Args:
        image: (H, W, 3) uint8, RGB.
        face_box: (4,) left, top, right, bottom of the face, pixels.
    """
    left, top, right, bottom = (float(side) for side in face_box)
    width, height = right - left, bottom - top
    middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
    # Hair above, neck below, ears beside.
    cut = np.round(
        [
            max(middle_x - 0.95 * width, 0),
            max(middle_y - 1.0 * height, 0),
            min(middle_x + 0.95 * width, image.shape[1]),
            min(middle_y + 0.95 * height, image.shape[0]),
        ]
    ).astype(int)
    shrink = min(1.0, _MOST_FACE_PX / height)
    part = np.ascontiguousarray(image[cut[1] : cut[3], cut[0] : cut[2]])
    y, x = np.mgrid[: part.shape[0], : part.shape[1]].astype(np.float32)
    radius = np.sqrt(
        ((x + cut[0] - middle_x) / (0.85 * width)) ** 2
        + ((y + cut[1] - middle_y) / (0.88 * height)) ** 2
    )
    alpha = np.clip((1.0 - radius) / 0.08, 0.0, 1.0).astype(np.float32)
    box = np.array([left, top, right, bottom]) - np.tile(cut[:2], 2)
    size = (round(part.shape[1] * shrink), round(part.shape[0] * shrink))
    return Sprite(
        cv2.resize(part, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False),
        cv2.resize(alpha, size, interpolation=cv2.INTER_AREA).astype(np.float32, copy=False),
        (box * shrink).astype(np.float32),
    )


def plain_ground(height: int, width: int, *, seed: int = 0) -> ImageRGB:
    """Make a ground of soft coloured spots, (height, width, 3) uint8, RGB."""
    rng = np.random.default_rng(seed)
    small = rng.integers(60, 190, (max(height // 80, 2), max(width // 80, 2), 3)).astype(np.uint8)
    large = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(large).astype(np.uint8, copy=False)


def _placement(sprite: Sprite, key: Key) -> Floats:
    """Affine map (2, 3) from sprite to frame."""
    left, top, right, bottom = (float(side) for side in sprite.face_box)
    scale = key.height_px / (bottom - top)
    turn = np.deg2rad(key.roll_deg)
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    offset = np.array([key.x, key.y]) - linear @ [(left + right) / 2, (top + bottom) / 2]
    return np.column_stack([linear, offset])


def _window(
    sprite: Sprite, key: Key, frame_hw: tuple[int, int], margin: float
) -> tuple[Floats, tuple[int, int, int, int]] | None:
    """Map and the part of the frame (left, top, right, bottom) the sprite falls on."""
    matrix = _placement(sprite, key)
    height, width = sprite.alpha.shape
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]])
    spots = corners @ matrix.T
    low = np.floor(spots.min(axis=0) - margin).astype(int)
    high = np.ceil(spots.max(axis=0) + margin).astype(int)
    left, top = max(int(low[0]), 0), max(int(low[1]), 0)
    right, bottom = min(int(high[0]), frame_hw[1]), min(int(high[1]), frame_hw[0])
    if right - left < 2 or bottom - top < 2:
        return None
    matrix[:, 2] -= (left, top)
    return matrix, (left, top, right, bottom)


def _paste(image: ImageRGB, sprite: Sprite, key: Key) -> None:
    found = _window(sprite, key, (image.shape[0], image.shape[1]), 3 * key.blur_px)
    if found is None:
        return
    matrix, (left, top, right, bottom) = found
    size = (right - left, bottom - top)
    colour = cv2.warpAffine(sprite.image, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    alpha = cv2.warpAffine(sprite.alpha, matrix, size)
    if key.blur_px > 0.1:
        colour = cv2.GaussianBlur(colour, (0, 0), key.blur_px)
        alpha = cv2.GaussianBlur(alpha, (0, 0), key.blur_px)
    part = image[top:bottom, left:right]
    lit = np.clip(colour.astype(np.float32) * key.light, 0, 255)
    part[:] = (part + alpha[..., None] * (lit - part) + 0.5).astype(np.uint8)


def _mark(owner: NDArray[np.uint8], sprite: Sprite, key: Key, index: int) -> None:
    found = _window(sprite, key, (owner.shape[0], owner.shape[1]), 0.0)
    if found is None:
        return
    matrix, (left, top, right, bottom) = found
    alpha = cv2.warpAffine(sprite.alpha, matrix, (right - left, bottom - top))
    owner[top:bottom, left:right][alpha > 0.5] = index


def _face_box(sprite: Sprite, key: Key) -> NDArray[np.float32]:
    left, top, right, bottom = (float(side) for side in sprite.face_box)
    height = key.height_px
    width = height * (right - left) / (bottom - top)
    box = [key.x - width / 2, key.y - height / 2, key.x + width / 2, key.y + height / 2]
    return np.array(box, dtype=np.float32)


def _noise(shape: tuple[int, ...], level: float, number: int) -> NDArray[np.int16]:
    """Noise of a camera: one large sheet, another part of it in each frame."""
    height, width = shape[:2]
    top, left = np.random.default_rng([7, number]).integers(0, _SHEET_SPARE_PX, 2)
    return _noise_sheet(height, width, level)[top : top + height, left : left + width]


@lru_cache(maxsize=4)
def _noise_sheet(height: int, width: int, level: float) -> NDArray[np.int16]:
    shape = (height + _SHEET_SPARE_PX, width + _SHEET_SPARE_PX, 3)
    return np.round(np.random.default_rng(7).normal(0, level, shape)).astype(np.int16)
