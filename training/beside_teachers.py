"""A network beside its teachers, on the same held-out people: how much of them has it learnt?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facerec.progress import SilentTask, Task
from training.data.pack import CropPack
from training.data.targets import Teacher, cached_teacher_vectors
from training.held_out import HeldOutFigures, held_out_figures

# Rows (M,) of a pack -> unit vectors (M, D) float32.
VectorsOf = Callable[[NDArray[np.int64]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Judged:
    """One network's figures.

    Attributes:
        name: of the network.
        figures: one a source.
    """

    name: str
    figures: tuple[HeldOutFigures, ...]


def judge_beside_teachers(
    pack: CropPack,
    name: str,
    vectors_of: VectorsOf,
    teachers: Sequence[Teacher],
    *,
    task: Task | None = None,
) -> list[Judged]:
    """Measure a network and each of its teachers, one crop a face and no mirror image.

    Args:
        pack: whose held-out people judge; teachers' vectors are kept beside it.
        name: of the network.
        vectors_of: the network.
        teachers: the others.
        task: receives progress.

    Returns:
        The network first, then its teachers.
    """
    task = task or SilentTask()
    judged = [Judged(name, tuple(held_out_figures(pack, vectors_of)))]
    for teacher in teachers:
        vectors = cached_teacher_vectors(pack, teacher, task=task)
        figures = held_out_figures(pack, vectors.__getitem__)
        judged.append(Judged(Path(teacher.file).stem, tuple(figures)))
    return judged


def table_of(judged: Sequence[Judged]) -> list[tuple[str, ...]]:
    """Lay the figures out, a source after the other and a network a row; the first is the head.

    The last column says how far a network lies above or below the best of the others in rank-1, in
    percentage points.
    """
    rows: list[tuple[str, ...]] = [
        ("source", "people", "crops", "network", "TAR at FMR 0.1 %", "rank-1", "to the best other")
    ]
    for place, first in enumerate(judged[0].figures):
        ranks = [each.figures[place].rank1 for each in judged]
        for number, each in enumerate(judged):
            own = each.figures[place]
            others = ranks[:number] + ranks[number + 1 :]
            rows.append(
                (
                    own.source if number == 0 else "",
                    str(first.n_people) if number == 0 else "",
                    str(first.n_crops) if number == 0 else "",
                    each.name,
                    _with_interval(own.tar, own.tar_interval),
                    _with_interval(own.rank1, own.rank1_interval),
                    f"{100 * (own.rank1 - max(others)):+.1f}" if others else "",
                )
            )
    return rows


def _with_interval(value: float, interval: tuple[float, float]) -> str:
    low, high = interval
    return f"{100 * value:.1f} ({100 * low:.1f}-{100 * high:.1f})"
