"""Crops that must not be trained on: people whose other pictures measure the result.

Celebrities occur in many data sets. A crop that a teacher takes for somebody of the evaluation set
stays out; so does a crop without identity that looks like a held-out person.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facerec.imaging.read import list_images, read_image
from facerec.progress import SilentTask, Task
from training.data.pack import CropPack
from training.data.targets import Teacher, cached_teacher_vectors, teacher_vectors
from training.errors import DatasetError

EXCLUDED_NAME = "excluded.txt"
# Cosines of a good teacher: above the first, one in some thousands of strangers; a crop without a
# name is compared with thousands of held-out ones, so its bar is higher.
NEAR_COSINE = 0.5
HELD_OUT_COSINE = 0.6
_CHUNK = 4096


@dataclass(frozen=True, slots=True)
class ExcludedCounts:
    """How many crops stay out, by reason; ``total`` counts each once."""

    near: int
    held_out: int
    total: int


def write_excluded(
    pack: CropPack, teacher: Teacher, near: Path | None, *, task: Task | None = None
) -> ExcludedCounts:
    """Write the rows that stay out of training to ``excluded.txt``.

    Args:
        pack: the pack.
        teacher: whose cosine judges.
        near: folder of aligned crops of the people to be kept apart, if any.
        task: receives progress.

    Raises:
        DatasetError: the folder holds no image, or the teacher cannot be read.
    """
    task = task or SilentTask()
    vectors = cached_teacher_vectors(pack, teacher, task=task)
    looks_near = np.zeros(len(pack), dtype=bool)
    if near is not None:
        paths = list_images(near)
        if not paths:
            raise DatasetError(f"There is no image in {near}.", remedy="Align the pictures first.")
        others = teacher_vectors(
            teacher, np.stack([read_image(path) for path in paths]), task=task, stage="near"
        )
        looks_near = best_cosine(vectors, others) > NEAR_COSINE
    looks_held_out = np.zeros(len(pack), dtype=bool)
    if pack.held_out.any():
        unlabelled = np.array([not item.group for item in pack.items])
        best = best_cosine(vectors, vectors[pack.held_out])
        looks_held_out = unlabelled & (best > HELD_OUT_COSINE)
    either = looks_near | looks_held_out
    np.savetxt(pack.folder / EXCLUDED_NAME, np.flatnonzero(either), fmt="%d")
    return ExcludedCounts(int(looks_near.sum()), int(looks_held_out.sum()), int(either.sum()))


def best_cosine(vectors: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return for each of (N, D) unit vectors its highest cosine with any of (M, D): (N,)."""
    parts = [
        (vectors[start : start + _CHUNK] @ others.T).max(axis=1)
        for start in range(0, len(vectors), _CHUNK)
    ]
    return np.concatenate(parts)
