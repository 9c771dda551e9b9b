"""MTCNN: three nets in a cascade, each looking closer at fewer places.

P-Net slides over a pyramid of smaller copies, R-Net refines what it proposes, O-Net decides and
places five landmarks. Between them stand box arithmetic and suppression, all of it over arrays.
Boxes follow facenet-pytorch 2.5.3 digit by digit, its MATLAB habits included (coordinates counted
from one, both ends of a box included in some places and not in others), because the nets were
trained that way and because parity with it is tested.

Final boxes are as the net gives them: not whole pixels, and not clipped at the Image's border.

Reference:
    Zhang et al. 2016, IEEE SPL 23(10):1499-1503. Followed: facenet-pytorch 2.5.3,
    ``models/utils/detect_face.py`` (MIT); own implementation, which samples and batches otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facerec.detect.base import DETECTORS
from facerec.detect.native import available_kinds
from facerec.detect.native.stages import NativeStages
from facerec.detect.nms import Overlap, suppress
from facerec.detect.pyramid import CELL_PX, CELL_STRIDE_PX, Pyramid, plan_pyramid
from facerec.detect.sampling import Sums
from facerec.detect.stages import RuntimeStages, Stages
from facerec.errors import ConfigError, DependencyError, RangeError, ShapeError
from facerec.types import Face, ImageRGB, check_image
from facerec.zoo import find_model, verified_path

Floats = NDArray[np.float32]

MODEL_NAME = "mtcnn"
ENGINES = ("auto", "native", "runtime")
# Suppression: among proposals of one pyramid level, across levels, after R-Net, after O-Net.
NMS_WITHIN_LEVEL = 0.5
NMS_ACROSS_LEVELS = 0.7
NMS_REFINED = 0.7
NMS_FINAL = 0.7
MIN_FACE_RANGE_PX = (12, 10_000)
PYRAMID_FACTOR_RANGE = (0.1, 0.95)


@dataclass(frozen=True, slots=True)
class MtcnnSettings:
    """What a cascade looks for.

    Attributes:
        min_face_px: smallest face, in pixels.
        thresholds: smallest probability that passes P-Net, R-Net and O-Net, each in (0, 1).
        pyramid_factor: size of each pyramid level relative to the one before.
        max_faces: how many of the most certain faces are returned; 0 means all.
    """

    min_face_px: int = 40
    thresholds: tuple[float, ...] = (0.6, 0.7, 0.7)
    pyramid_factor: float = 0.709
    max_faces: int = 0

    def __post_init__(self) -> None:
        _require_range("smallest face in pixels", self.min_face_px, *MIN_FACE_RANGE_PX)
        _require_range("pyramid factor", self.pyramid_factor, *PYRAMID_FACTOR_RANGE)
        if len(self.thresholds) != 3:
            raise RangeError(f"MTCNN has three thresholds; got {len(self.thresholds)}.")
        for value in self.thresholds:
            if not 0.0 < value < 1.0:
                raise RangeError(f"A detection threshold lies between 0 and 1; got {value}.")
        if self.max_faces < 0:
            raise RangeError(
                f"The largest number of faces is 0 (all) or more; got {self.max_faces}."
            )


def _require_range(what: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # (NaN fails too)
        raise RangeError(f"The {what} lies between {low:g} and {high:g}; got {value:g}.")


@DETECTORS.register("mtcnn")
class MtcnnDetector:
    """Finds faces with five landmarks; may be called from several threads.

    Attributes:
        device: what it runs on.
        settings: what it looks for.
    """

    def __init__(
        self,
        *,
        device: str = "cpu",
        n_threads: int = 0,
        min_face_px: int = 40,
        thresholds: Sequence[float] = (0.6, 0.7, 0.7),
        pyramid_factor: float = 0.709,
        max_faces: int = 0,
        engine: str = "auto",
    ) -> None:
        """Load the three nets.

        Args:
            device: see ``facerec.runtime.open_session``.
            n_threads: processor threads; 0 means one per core.
            min_face_px: see ``MtcnnSettings``.
            thresholds: see ``MtcnnSettings``.
            pyramid_factor: see ``MtcnnSettings``.
            max_faces: see ``MtcnnSettings``.
            engine: ``native`` for compiled code, ``runtime`` for the inference runtime, ``auto``
                for compiled code where it is there and the device is ``cpu``.

        Raises:
            RangeError: a setting lies outside its range.
            WeightsError: a model file is missing or damaged.
            DeviceError: the device is not there.
            ConfigError: there is no such engine.
            DependencyError: ``native`` was asked for and is not there.
        """
        self.settings = MtcnnSettings(min_face_px, tuple(thresholds), pyramid_factor, max_faces)
        self._stages = _open_stages(engine, device, n_threads)
        self.device = self._stages.device

    def detect(self, image: ImageRGB) -> list[Face]:
        """Find all faces of an image.

        Args:
            image: (H, W, 3) uint8, RGB.

        Returns:
            Most certain first, then from left to right, then from top to bottom. Boxes may reach
            beyond the image.

        Raises:
            ShapeError: the image has another shape or type.
        """
        check_image(image)
        pyramid = plan_pyramid(
            (image.shape[0], image.shape[1]),
            min_face_px=self.settings.min_face_px,
            factor=self.settings.pyramid_factor,
        )
        if not pyramid.scales:
            return []
        sums = Sums.of(image)
        boxes = self._refined(sums, self._proposed(sums, pyramid))
        boxes, landmarks, scores = self._decided(sums, boxes)
        order = np.lexsort((boxes[:, 1], boxes[:, 0], -scores))
        if self.settings.max_faces:
            order = order[: self.settings.max_faces]
        return [Face(boxes[i], landmarks[i], float(scores[i])) for i in order]

    def refine(self, image: ImageRGB, boxes: NDArray[np.floating[Any]]) -> list[Face | None]:
        """Look again where faces should be, by the third stage alone: cheap enough for each frame.

        Only the pixels around the boxes are read, so the time does not depend on the image's size.

        Args:
            image: (H, W, 3) uint8, RGB.
            boxes: (N, 4) left, top, right, bottom in pixels, about where faces are: a third of
                a face beside is near enough. They may reach beyond the image.

        Returns:
            One entry per box, in the same order: the Face, or None where there is none. Two boxes
            near one face give that face twice.

        Raises:
            ShapeError: the image or the boxes have another shape.
            RangeError: a box is not finite.
        """
        check_image(image)
        height, width = image.shape[:2]
        # The cascade stretches what is cut off at the border, and places landmarks as if it were
        # not; clipped first, they come out right.
        clipped = np.clip(_boxes_from_one(boxes), 1, np.tile([width, height], 2))
        return [self._refined_one(image, box) for box in clipped.astype(np.float32)]

    def _refined_one(self, image: ImageRGB, box: Floats) -> Face | None:
        """Let stage 3 look at one box (4,), counting from one, and at what is around it."""
        _, whole = _with_pixels(box[None], (image.shape[0], image.shape[1]))
        if not len(whole):
            return None
        left, top, right, bottom = whole[0]
        part = np.ascontiguousarray(image[top:bottom, left:right])
        corner = np.array([left, top], dtype=np.float32)
        boxes, landmarks, scores = self._decided(Sums.of(part), (box - np.tile(corner, 2))[None])
        if not len(boxes):
            return None
        return Face(boxes[0] + np.tile(corner, 2), landmarks[0] + corner, float(scores[0]))

    def _proposed(self, sums: Sums, pyramid: Pyramid) -> Floats:
        """Stage 1: square boxes (N, 4) where P-Net sees something like a face."""
        maps = self._stages.propose(sums, pyramid)
        threshold = np.float32(_logit(self.settings.thresholds[0]))
        boxes, scores, offsets = _cells_above(maps, pyramid, threshold)
        kept = suppress(boxes, scores, NMS_ACROSS_LEVELS)
        boxes, offsets = boxes[kept], offsets[kept]
        size = boxes[:, 2:] - boxes[:, :2]
        return _squared(boxes + offsets * np.tile(size, 2))

    def _refined(self, sums: Sums, boxes: Floats) -> Floats:
        """Stage 2: square boxes (N, 4) that R-Net takes for faces, better placed."""
        boxes, whole = _with_pixels(boxes, sums.image_hw)
        results = self._stages.refine(sums, whole)
        passed = results[:, 0] > _logit(self.settings.thresholds[1])
        boxes, results = boxes[passed], results[passed]
        kept = suppress(boxes, _probability(results[:, 0]), NMS_REFINED)
        return _squared(_moved(boxes[kept], results[kept, 1:5]))

    def _decided(self, sums: Sums, boxes: Floats) -> tuple[Floats, Floats, Floats]:
        """Stage 3: boxes (N, 4), landmarks (N, 5, 2) and scores (N,) of faces."""
        boxes, whole = _with_pixels(boxes, sums.image_hw)
        results = self._stages.decide(sums, whole)
        passed = results[:, 0] > _logit(self.settings.thresholds[2])
        boxes, results = boxes[passed], results[passed]
        size = boxes[:, 2:] - boxes[:, :2] + 1
        # Five x, then five y, each as a share of the box O-Net looked at.
        shares = results[:, 5:].reshape(-1, 2, 5).transpose(0, 2, 1)
        landmarks = size[:, None] * shares + boxes[:, None, :2] - 1
        boxes = _moved(boxes, results[:, 1:5])
        scores = _probability(results[:, 0])
        # Of equal scores (many round to 1) the reference takes the last one here, hence the turn.
        kept = len(boxes) - 1 - suppress(boxes[::-1], scores[::-1], NMS_FINAL, Overlap.SMALLER)
        kept = kept[(boxes[kept, 2:] > boxes[kept, :2]).all(axis=1)]
        return boxes[kept], landmarks[kept], scores[kept]


def _open_stages(engine: str, device: str, n_threads: int) -> Stages:
    if engine not in ENGINES:
        raise ConfigError(
            f"There is no detection engine named {engine!r}.",
            remedy=f"Engines: {', '.join(ENGINES)}.",
        )
    card = find_model(MODEL_NAME, task="detect")
    paths = [verified_path(card, entry.file) for entry in card.files]
    kinds = available_kinds() if device.lower() == "cpu" else ()
    if engine == "runtime" or (engine == "auto" and not kinds):
        return RuntimeStages(paths, device=device, n_threads=n_threads)
    if not kinds:
        raise DependencyError(
            f"There is no compiled code for the device {device!r} on this machine.",
            remedy="Use engine='runtime', or install a C compiler and then facerec again.",
        )
    return NativeStages(paths, kind=kinds[0], n_threads=n_threads)


def _cells_above(
    maps: Floats, pyramid: Pyramid, threshold: np.float32
) -> tuple[Floats, Floats, Floats]:
    """Turn P-Net's maps (5, cells) into boxes (N, 4), scores (N,) and offsets (N, 4).

    Boxes that a better one of the same level overlaps too much are gone.
    """
    cells = np.flatnonzero(maps[0] >= threshold)
    values = maps[:, cells]
    # The reference goes level by level, row by row; of equal scores the earlier one wins.
    levels, rows, columns = pyramid.places(cells)
    corner = np.stack([columns, rows], axis=1).astype(np.float32) * CELL_STRIDE_PX
    scale = np.array(pyramid.scales, dtype=np.float32)[levels, None]
    first = np.floor((corner + 1) / scale)
    last = np.floor((corner + CELL_PX) / scale)
    boxes = np.concatenate([first, last], axis=1)
    scores = _probability(values[0])
    kept = suppress(boxes, scores, NMS_WITHIN_LEVEL, groups=levels)
    return boxes[kept], scores[kept], values[1:, kept].T


def _with_pixels(boxes: Floats, image_hw: tuple[int, int]) -> tuple[Floats, NDArray[np.int32]]:
    """Leave out boxes (N, 4), counting from one, outside the Image; give whole pixels of others."""
    height, width = image_hw
    whole = np.trunc(boxes).astype(np.int64)
    whole[:, :2] = np.maximum(whole[:, :2], 1) - 1
    whole[:, 2:] = np.minimum(whole[:, 2:], (width, height))
    inside = (whole[:, 2:] > whole[:, :2]).all(axis=1)
    return boxes[inside], whole[inside].astype(np.int32)


def _boxes_from_one(boxes: NDArray[np.floating[Any]]) -> Floats:
    """Make boxes (N, 4) square and count from one, as the stages do."""
    boxes = np.asarray(boxes, dtype=np.float32)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ShapeError(f"Boxes are an array (N, 4); got {boxes.shape}.")
    if not np.isfinite(boxes).all():
        raise RangeError("Boxes are finite numbers; got NaN or infinity.")
    return _squared(boxes + 1)


def _squared(boxes: Floats) -> Floats:
    """Grow the shorter side of boxes (N, 4) about their middle."""
    size = boxes[:, 2:] - boxes[:, :2]
    side = size.max(axis=1, keepdims=True)
    first = boxes[:, :2] + size * np.float32(0.5) - side * np.float32(0.5)
    return np.concatenate([first, first + side], axis=1)


def _moved(boxes: Floats, offsets: Floats) -> Floats:
    """Move the sides of boxes (N, 4) by shares of their size, both ends included."""
    size = boxes[:, 2:] - boxes[:, :2] + 1
    return boxes + offsets * np.tile(size, 2)


def _logit(probability: float) -> float:
    return math.log(probability / (1.0 - probability))


def _probability(logits: Floats) -> Floats:
    """Softmax over two classes in float32, rounding as the reference does, so that ties are its."""
    one = np.float32(1)
    with np.errstate(over="ignore"):  # (1 / infinity is the 0 that is meant)
        chances: Floats = one / (one + np.exp(-logits))
    return chances
