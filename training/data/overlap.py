"""Crops that must not be trained on: people whose other pictures measure the result.

Celebrities occur in many data sets. A crop that a teacher takes for somebody of the evaluation set
stays out; so does a crop without identity that looks like a held-out person.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facerec.progress import SilentTask, Task
from training.data.names import plain_name
from training.data.pack import CropPack, read_crops
from training.data.sources.base import SourceLog
from training.data.sources.opening import open_sources
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
    """How many crops stay out, by reason; ``total`` counts each once.

    Attributes:
        near: crops that look like somebody of the other folder.
        held_out: crops without identity that look like a held-out person.
        total: both, each crop once.
        same_names: people of the pack, trained on, whose name occurs in the other folder too.
    """

    near: int
    held_out: int
    total: int
    same_names: tuple[str, ...] = ()


def write_excluded(
    pack: CropPack, teacher: Teacher, near: Path | None, *, task: Task | None = None
) -> ExcludedCounts:
    """Write the rows that stay out of training to ``excluded.txt``.

    Args:
        pack: the pack.
        teacher: whose cosine judges.
        near: source of aligned crops of the people to be kept apart, if any.
        task: receives progress.

    Raises:
        DatasetError: the source holds no image, or the teacher cannot be read.
    """
    task = task or SilentTask()
    vectors = cached_teacher_vectors(pack, teacher, task=task)
    looks_near = np.zeros(len(pack), dtype=bool)
    same_names: tuple[str, ...] = ()
    if near is not None:
        crops, people = _read_near(near, pack.crops.shape[1], task)
        same_names = names_in_common(pack, people)
        others = teacher_vectors(teacher, crops, task=task, stage="near")
        looks_near = best_cosine(vectors, others) > NEAR_COSINE
    looks_held_out = np.zeros(len(pack), dtype=bool)
    if pack.held_out.any():
        unlabelled = np.array([not item.group for item in pack.items])
        best = best_cosine(vectors, vectors[pack.held_out])
        looks_held_out = unlabelled & (best > HELD_OUT_COSINE)
    either = looks_near | looks_held_out
    np.savetxt(pack.folder / EXCLUDED_NAME, np.flatnonzero(either), fmt="%d")
    return ExcludedCounts(
        int(looks_near.sum()), int(looks_held_out.sum()), int(either.sum()), same_names
    )


def names_in_common(pack: CropPack, people: Iterable[str]) -> tuple[str, ...]:
    """Name the people of a pack that are trained on and are called like one of ``people``, sorted.

    Case, underscores and accents do not count; names with digits are codes and never agree.
    """
    others = {plain_name(person) for person in people} - {""}
    trained = {
        item.person
        for item, is_out in zip(pack.items, pack.held_out, strict=True)
        if item.person and not is_out
    }
    return tuple(sorted(person for person in trained if plain_name(person) in others))


def _read_near(near: Path, side_px: int, task: Task) -> tuple[NDArray[np.uint8], set[str]]:
    crops, people, log = [], set(), SourceLog()
    for source in open_sources([near]):
        for crop, found in read_crops(source, log, side_px=side_px, task=task):
            crops.append(crop)
            people.add(found.person)
    if not crops:
        raise DatasetError(f"There is no image in {near}.", remedy="Align the pictures first.")
    if log.skipped or log.notes:
        first = f"{log.skipped[0].file}: {log.skipped[0].reason}" if log.skipped else log.notes[0]
        raise DatasetError(
            f"Not all of {near} can be read, so that not all its people can be kept apart.",
            remedy=f"The first, {first}",
        )
    return np.stack(crops), people


def best_cosine(vectors: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return for each of (N, D) unit vectors its highest cosine with any of (M, D): (N,)."""
    parts = [
        (vectors[start : start + _CHUNK] @ others.T).max(axis=1)
        for start in range(0, len(vectors), _CHUNK)
    ]
    return np.concatenate(parts)
