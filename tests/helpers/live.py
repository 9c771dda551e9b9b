"""A toy camera: patterns of made-up people on a grey frame, and a detector that knows where."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facerec.match.rule import MatchRule
from facerec.pipeline import Pipeline
from facerec.services.enroll import EnrollOptions, enroll
from facerec.services.gallery import OpenGallery, open_gallery
from facerec.track.motion import overlaps
from facerec.types import Face, ImageRGB
from tests.helpers.fakes import FakeEmbedder, fake_face, fake_photo

RULE = MatchRule(0.75, 0.05)
FACE_PX = 112
FRAME_HW = (240, 640)
FRAMES_PER_S = 25.0


def frame_of(*people: tuple[int, float], shot: int = 0) -> ImageRGB:
    """A frame with (person, left edge in pixels); later ones hide earlier ones."""
    image = np.full((*FRAME_HW, 3), 128, np.uint8)
    for person, x in people:
        left = round(x)
        patch = fake_photo(person, shot, FACE_PX)
        image[60 : 60 + FACE_PX, left : left + FACE_PX] = patch
    return image


class PatternDetector:
    """Finds the patterns of ``frame_of`` by their edges against the grey."""

    device = "fake"

    def __init__(self) -> None:
        self.n_searches = 0
        self.n_refined = 0

    def detect(self, image: ImageRGB) -> list[Face]:
        self.n_searches += 1
        return self._found(image)

    def refine(self, image: ImageRGB, boxes: NDArray[np.float64]) -> list[Face | None]:
        self.n_refined += len(boxes)
        faces = self._found(image)
        return [self._nearest(box, faces) for box in boxes]

    def _nearest(self, box: NDArray[np.float64], faces: Sequence[Face]) -> Face | None:
        best = max(faces, key=lambda face: self._overlap(box, face), default=None)
        return best if best is not None and self._overlap(box, best) > 0.4 else None

    def _overlap(self, box: NDArray[np.float64], face: Face) -> float:
        return float(overlaps(box[None], face.box_xyxy[None].astype(float))[0, 0])

    def _found(self, image: ImageRGB) -> list[Face]:
        rows = image[60 : 60 + FACE_PX].astype(int)
        busy = (np.abs(rows - 128).max(axis=(0, 2)) > 0).astype(int)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], busy, [0]])))
        faces = []
        for start, end in edges.reshape(-1, 2):
            # Two patterns side by side are one busy stretch: one face at either end.
            lefts = [start] if end - start < FACE_PX + 20 else [start, end - FACE_PX]
            faces += [fake_face(float(left), 60.0, float(FACE_PX)) for left in lefts]
        return faces


def toy_pipeline() -> Pipeline:
    return Pipeline(PatternDetector(), FakeEmbedder())


def toy_gallery(folder: Path, people: dict[str, int], pipeline: Pipeline) -> OpenGallery:
    """A gallery with made-up people: name -> number of the pattern."""
    gallery = open_gallery(folder)
    for name, person in people.items():
        outcome = enroll(
            gallery,
            pipeline,
            name,
            [frame_of((person, 200.0), shot=99)],
            rule=RULE,
            options=EnrollOptions(allow_low_quality=True),
        )
        assert outcome.is_done, outcome
    return gallery
