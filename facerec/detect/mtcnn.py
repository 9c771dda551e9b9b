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
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from facerec.detect.base import DETECTORS
from facerec.detect.nms import Overlap, suppress
from facerec.detect.pyramid import AreaSampler, Arena, Canvas, Cuts, lay_out, pyramid_scales
from facerec.errors import RangeError
from facerec.runtime import InferenceSession, open_session
from facerec.types import Face, ImageRGB, check_image
from facerec.zoo import find_model, verified_path

Floats = NDArray[np.float32]

MODEL_NAME = "mtcnn"
# P-Net's cell: 12 pixels wide, one every 2.
CELL_PX = 12
CELL_STRIDE_PX = 2
R_SIDE_PX = 24
O_SIDE_PX = 48
# Faces per inference; more at once would only take more memory.
R_BATCH = 128
O_BATCH = 32
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
    ) -> None:
        """Load the three nets.

        Args:
            device: see ``facerec.runtime.open_session``.
            n_threads: processor threads; 0 means one per core.
            min_face_px: see ``MtcnnSettings``.
            thresholds: see ``MtcnnSettings``.
            pyramid_factor: see ``MtcnnSettings``.
            max_faces: see ``MtcnnSettings``.

        Raises:
            RangeError: a setting lies outside its range.
            WeightsError: a model file is missing or damaged.
            DeviceError: the device is not there.
        """
        self.settings = MtcnnSettings(min_face_px, tuple(thresholds), pyramid_factor, max_faces)
        card = find_model(MODEL_NAME, task="detect")
        paths = [verified_path(card, entry.file) for entry in card.files]
        with ThreadPoolExecutor(len(paths)) as pool:  # (compiling takes one core each)
            self._p_net, self._r_net, self._o_net = pool.map(
                partial(open_session, device=device, n_threads=n_threads), paths
            )
        self.device = self._p_net.device
        self._local = threading.local()

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
        scales = pyramid_scales(
            (image.shape[0], image.shape[1]),
            cell_px=CELL_PX,
            min_face_px=self.settings.min_face_px,
            factor=self.settings.pyramid_factor,
        )
        if not scales:
            return []
        sampler = AreaSampler(image)
        boxes = self._refined(sampler, self._proposed(sampler, scales))
        boxes, landmarks, scores = self._decided(sampler, boxes)
        order = np.lexsort((boxes[:, 1], boxes[:, 0], -scores))
        if self.settings.max_faces:
            order = order[: self.settings.max_faces]
        return [Face(boxes[i], landmarks[i], float(scores[i])) for i in order]

    def _arena(self) -> Arena:
        """Return this thread's memory, emptied."""
        if not hasattr(self._local, "arena"):
            self._local.arena = Arena()
        arena: Arena = self._local.arena
        arena.reset()
        return arena

    def _proposed(self, sampler: AreaSampler, scales: list[float]) -> Floats:
        """Stage 1: square boxes (N, 4) where P-Net sees something like a face."""
        plan = _plan(sampler.image_hw, tuple(scales))
        canvas = sampler.painted(plan.canvas, self._arena())
        maps = np.full((5, *plan.levels.shape), -np.inf, dtype=np.float32)
        for slot in plan.canvas.slots:
            # One by one: at its border the net pools what is left of a pair, as the reference does.
            level = canvas[:, slot.top : slot.top + slot.height, slot.left : slot.left + slot.width]
            cells = self._p_net.run(np.ascontiguousarray(level))[0][0]
            top, left = slot.top // CELL_STRIDE_PX, slot.left // CELL_STRIDE_PX
            maps[:, top : top + cells.shape[1], left : left + cells.shape[2]] = cells
        threshold = np.float32(_logit(self.settings.thresholds[0]))
        boxes, scores, offsets = _cells_above(maps, plan, threshold)
        kept = suppress(boxes, scores, NMS_ACROSS_LEVELS)
        boxes, offsets = boxes[kept], offsets[kept]
        size = boxes[:, 2:] - boxes[:, :2]
        return _squared(boxes + offsets * np.tile(size, 2))

    def _refined(self, sampler: AreaSampler, boxes: Floats) -> Floats:
        """Stage 2: square boxes (N, 4) that R-Net takes for faces, better placed."""
        boxes, results = self._looked_at(self._r_net, sampler, boxes, R_SIDE_PX, R_BATCH)
        passed = results[:, 0] > _logit(self.settings.thresholds[1])
        boxes, results = boxes[passed], results[passed]
        kept = suppress(boxes, _probability(results[:, 0]), NMS_REFINED)
        return _squared(_moved(boxes[kept], results[kept, 1:5]))

    def _decided(self, sampler: AreaSampler, boxes: Floats) -> tuple[Floats, Floats, Floats]:
        """Stage 3: boxes (N, 4), landmarks (N, 5, 2) and scores (N,) of faces."""
        boxes, results = self._looked_at(self._o_net, sampler, boxes, O_SIDE_PX, O_BATCH)
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

    def _looked_at(
        self, net: InferenceSession, sampler: AreaSampler, boxes: Floats, side: int, batch: int
    ) -> tuple[Floats, Floats]:
        """Run a net over cut-outs: boxes (N, 4) -> those with pixels inside, and their results."""
        whole, inside = _pixel_boxes(boxes, sampler.image_hw)
        whole, boxes = whole[inside], boxes[inside]
        if not len(boxes):
            return boxes, np.empty((0, net.output_shapes[0][1]), dtype=np.float32)

        cuts = Cuts.of(whole, side)
        results = []
        for start in range(0, len(cuts), batch):
            crops = sampler.crops(cuts[start : start + batch], self._arena())
            results += net.run(crops)
        return boxes, np.concatenate(results)


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """How P-Net goes over Images of one size.

    Attributes:
        canvas: the layout of all levels.
        levels: (h, w) which level each cell belongs to, -1 for none.
        origins: (L, 2) x and y of each level on the canvas.
        scales: (L,) float32, of each level.
    """

    canvas: Canvas
    levels: NDArray[np.int16]
    origins: NDArray[np.int64]
    scales: Floats


@lru_cache(maxsize=8)
def _plan(image_hw: tuple[int, int], scales: tuple[float, ...]) -> _Plan:
    height, width = image_hw
    sizes = [(int(height * scale + 1), int(width * scale + 1)) for scale in scales]
    canvas = lay_out(image_hw, sizes)
    levels = canvas.cell_slots(CELL_PX, CELL_STRIDE_PX)
    return _Plan(
        canvas,
        levels,
        np.array([(slot.left, slot.top) for slot in canvas.slots]),
        np.array(scales, dtype=np.float32),
    )


def _cells_above(maps: Floats, plan: _Plan, threshold: np.float32) -> tuple[Floats, Floats, Floats]:
    """Turn the canvas's maps (5, h, w) into boxes (N, 4), scores (N,) and offsets (N, 4).

    Boxes that a better one of the same level overlaps too much are gone.
    """
    rows, columns = np.nonzero(maps[0] >= threshold)
    level = plan.levels[rows, columns]
    # The reference goes level by level; of equal scores the earlier one wins.
    order = np.argsort(level, kind="stable")
    rows, columns, level = rows[order], columns[order], level[order]
    values = maps[:, rows, columns]
    places = np.stack([columns, rows], axis=1) * CELL_STRIDE_PX
    corner = (places - plan.origins[level]).astype(np.float32)
    scale = plan.scales[level, None]
    first = np.floor((corner + 1) / scale)
    last = np.floor((corner + CELL_PX) / scale)
    boxes = np.concatenate([first, last], axis=1)
    scores = _probability(values[0])
    kept = suppress(boxes, scores, NMS_WITHIN_LEVEL, groups=level)
    return boxes[kept], scores[kept], values[1:, kept].T


def _pixel_boxes(
    boxes: Floats, image_hw: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Whole pixels (N, 4) of boxes that count from one, clipped at the border; which have any."""
    height, width = image_hw
    whole = np.trunc(boxes).astype(np.int64)
    whole[:, :2] = np.maximum(whole[:, :2], 1) - 1
    whole[:, 2:] = np.minimum(whole[:, 2:], (width, height))
    inside = np.asarray((whole[:, 2:] > whole[:, :2]).all(axis=1))
    return whole, inside


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
