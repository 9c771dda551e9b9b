"""Very small Crops and an embedder for them: a gallery of thousands, made in seconds.

The embedder projects a Crop's pixels by a fixed random matrix of its contract, so that two
contracts stand for two models whose vectors have nothing to do with each other.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import update

from facerec.embed.base import normalise_vectors
from facerec.gallery.crops import png_from_crop
from facerec.gallery.made_up import add_made_up
from facerec.gallery.tables import CropRow
from facerec.services.gallery import OpenGallery
from facerec.types import Embedding

SIDE_PX = 8


def tiny_crop(person: int, shot: int) -> NDArray[np.uint8]:
    """A pattern that belongs to the person, and noise that differs by shot."""
    pattern = np.random.default_rng([1, person]).integers(40, 216, (SIDE_PX, SIDE_PX, 3))
    noise = np.random.default_rng([2, person, shot]).normal(0, 8, pattern.shape)
    return np.clip(pattern + noise, 0, 255).astype(np.uint8)


class TinyEmbedder:
    """Alike Crops score high; of two contracts, nothing does."""

    device = "fake"
    crop_size_px = SIDE_PX

    def __init__(self, contract_id: str, dimension: int) -> None:
        self.contract_id = contract_id
        self.dimension = dimension
        seed = int(hashlib.sha256(contract_id.encode()).hexdigest()[:8], 16)
        self._projection = np.random.default_rng(seed).normal(size=(SIDE_PX**2 * 3, dimension))

    def embed(self, crops: NDArray[np.uint8]) -> list[Embedding]:
        return [Embedding(vector, self.contract_id) for vector in self.embed_vectors(crops)]

    def embed_vectors(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        values = crops.reshape(len(crops), -1).astype(float) - 128.0
        return normalise_vectors((values @ self._projection).astype(np.float32))


def fill_with_tiny(
    gallery: OpenGallery, embedder: TinyEmbedder, n_people: int, per_person: int
) -> None:
    """Enter "Person 0" and so on, each Template with its Crop; ids are 1, 2 and so on."""
    shots = [(person, shot) for person in range(n_people) for shot in range(per_person)]
    crops = np.stack([tiny_crop(*shot) for shot in shots])
    with gallery.store.write() as session:
        add_made_up(
            session,
            embedder.embed_vectors(crops),
            contract_id=embedder.contract_id,
            per_person=per_person,
            at=gallery.now(),
        )
        rows = [
            {"template_id": at + 1, "png": png_from_crop(crop)} for at, crop in enumerate(crops)
        ]
        session.execute(update(CropRow), rows)
