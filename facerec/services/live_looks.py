"""The faces of one frame, described only as far as somebody asks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from facerec.align.warp import align_face
from facerec.embed.base import Embedder
from facerec.quality.checks import FaceQuality, assess_face
from facerec.types import Crop, Face, ImageRGB


class FrameLooks:
    """Crops, qualities and vectors of one frame's faces, each computed at most once.

    Attributes:
        faces: of the frame.
        n_embedded: how many of them were embedded.
    """

    def __init__(self, image: ImageRGB, faces: Sequence[Face], embedder: Embedder) -> None:
        """Hold a frame, (H, W, 3) uint8, RGB, and its faces."""
        self.faces = faces
        self.n_embedded = 0
        self._image = image
        self._embedder = embedder
        self._crops: dict[int, Crop] = {}
        self._qualities: dict[int, FaceQuality] = {}
        self._vectors: dict[int, NDArray[np.float32]] = {}

    def crop(self, index: int) -> Crop:
        """Return the Crop of a face."""
        if index not in self._crops:
            size = self._embedder.crop_size_px
            crop = align_face(self._image, self.faces[index].landmarks, size=size)
            crop.flags.writeable = False
            self._crops[index] = crop
        return self._crops[index]

    def quality(self, index: int) -> FaceQuality:
        """Return the quality of a face."""
        if index not in self._qualities:
            image_hw = (self._image.shape[0], self._image.shape[1])
            self._qualities[index] = assess_face(self.faces[index], self.crop(index), image_hw)
        return self._qualities[index]

    def has_vector(self, index: int) -> bool:
        """Whether a face was embedded already."""
        return index in self._vectors

    def vectors(self, indices: Sequence[int]) -> NDArray[np.float32]:
        """Return the vectors of faces, (n, D), embedding in one batch those that are missing."""
        missing = [index for index in indices if index not in self._vectors]
        if missing:
            crops = np.stack([self.crop(index) for index in missing])
            new = self._embedder.embed_vectors(crops)
            self._vectors.update(zip(missing, new, strict=True))
            self.n_embedded += len(missing)
        return np.stack([self._vectors[index] for index in indices])

    def ask(self, indices: Sequence[int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return vectors (n, D) and qualities (n,); what the tracker asks for."""
        qualities = [self.quality(index).score for index in indices]
        return self.vectors(indices), np.array(qualities, dtype=np.float32)
