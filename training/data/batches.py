"""Batches as a pure function of the step: a resumed run sees what an unbroken one would."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from facerec.registry import Registry
from training.data.augment import AugmentSettings, augment_batch, blend, draw_mixtures
from training.data.pack import CropPack
from training.errors import DatasetError

_Item = tuple[int, NDArray[np.int64], NDArray[np.float32]] | BaseException


def rows_of_step(
    rows: NDArray[np.int64], step: int, *, batch_size: int, seed: int
) -> NDArray[np.int64]:
    """Choose the crops of one step: every pass over the data in a new order, none left over twice.

    Args:
        rows: (N,) positions in the pack that may be trained on; N >= batch_size.
        step: 0-based.
        batch_size: B.
        seed: of the orders.

    Returns:
        (B,) positions.
    """
    steps_per_pass = len(rows) // batch_size
    epoch, place = divmod(step, steps_per_pass)
    order = _order_of_pass(seed, epoch, len(rows))
    return rows[order[place * batch_size : (place + 1) * batch_size]]


@lru_cache(maxsize=2)
def _order_of_pass(seed: int, epoch: int, n: int) -> NDArray[np.int64]:
    """Draw the order of a pass (n,) once: of six million crops it takes longer than their batch."""
    order = np.random.default_rng([seed, epoch]).permutation(n)
    order.setflags(write=False)
    return order


@dataclass(frozen=True, slots=True)
class People:
    """Crops sorted by who they show.

    Attributes:
        rows: (N,) positions in the pack, those of one person together.
        first: (C,) where each person begins in ``rows``.
        counts: (C,) how many crops each person has.
    """

    rows: NDArray[np.int64]
    first: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, rows: NDArray[np.int64], labels: NDArray[np.int64]) -> People:
        """Sort (N,) rows by their (N,) labels."""
        by_label = np.argsort(labels, kind="stable")
        _, first, counts = np.unique(labels[by_label], return_index=True, return_counts=True)
        return cls(rows[by_label], first, counts)


def people_of_step(
    people: People, step: int, *, n_people: int, n_images: int, seed: int
) -> NDArray[np.int64]:
    """Choose P people and K crops of each: every pass over the people in a new order.

    Args:
        people: whose crops; those with one crop only are left out.
        step: 0-based.
        n_people: P.
        n_images: K; somebody with fewer crops shows some of them again.
        seed: of the orders.

    Returns:
        (P * K,) positions.

    Raises:
        DatasetError: fewer than P people have two crops or more.
    """
    several = np.flatnonzero(people.counts >= 2)
    if len(several) < n_people:
        raise DatasetError(
            f"The pack has {len(several)} people with two crops or more and a batch needs "
            f"{n_people}.",
            remedy="Add people, or lower metric.people.",
        )
    epoch, place = divmod(step, len(several) // n_people)
    order = np.random.default_rng([seed, 2, epoch]).permutation(several)
    chosen = order[place * n_people : (place + 1) * n_people]
    rng = np.random.default_rng([seed, 3, step])
    picks = [
        people.first[person] + _draw(int(people.counts[person]), n_images, rng) for person in chosen
    ]
    rows: NDArray[np.int64] = people.rows[np.concatenate(picks)]
    return rows


def balanced_rows_of_step(
    people: People, step: int, *, batch_size: int, seed: int
) -> NDArray[np.int64]:
    """Choose crops so that every person comes equally often, however many crops there are.

    A pass shows everybody once, in a new order; from pass to pass a person's crops take turns, none
    twice before all were shown.

    Args:
        people: whose crops.
        step: 0-based.
        batch_size: B; a batch may hold the end of one pass and the beginning of the next.
        seed: of the orders.

    Returns:
        (B,) positions.

    Raises:
        DatasetError: there are no people.
    """
    if not len(people.counts):
        raise DatasetError(
            "The pack has no people to be shown equally often.",
            remedy="Add people, or set loop.sampling=plain.",
        )
    epochs, places = np.divmod(
        np.arange(step * batch_size, (step + 1) * batch_size), len(people.counts)
    )
    orders = {
        epoch: np.random.default_rng([seed, 4, epoch]).permutation(len(people.counts))
        for epoch in np.unique(epochs)
    }
    picks = []
    for epoch, place in zip(epochs, places, strict=True):
        person = orders[epoch][place]
        turn, crop = divmod(epoch, people.counts[person])
        rng = np.random.default_rng([seed, 5, person, turn])
        picks.append(people.first[person] + rng.permutation(people.counts[person])[crop])
    return people.rows[picks]


# All rows (N,), the people among them, B and a seed -> step -> (B,) rows.
RowsOfStep = Callable[[int], NDArray[np.int64]]
Sampling = Callable[[NDArray[np.int64], People, int, int], RowsOfStep]
SAMPLINGS: Registry[Sampling] = Registry("sampling")


@SAMPLINGS.register("plain")
def plain_sampling(
    rows: NDArray[np.int64], people: People, batch_size: int, seed: int
) -> RowsOfStep:
    """Show every crop once a pass."""
    return partial(rows_of_step, rows, batch_size=batch_size, seed=seed)


@SAMPLINGS.register("balanced")
def balanced_sampling(
    rows: NDArray[np.int64], people: People, batch_size: int, seed: int
) -> RowsOfStep:
    """Show every person equally often; crops of nobody known are left out."""
    return partial(balanced_rows_of_step, people, batch_size=batch_size, seed=seed)


def _draw(n: int, k: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw k of n, none twice before all were drawn."""
    rounds = [rng.permutation(n) for _ in range(-(-k // n))]
    return np.concatenate(rounds)[:k]


class BatchSource:
    """Prepares augmented batches in a thread while the net computes.

    Attributes:
        rows: (N,) positions in the pack that are trained on.
    """

    def __init__(
        self,
        pack: CropPack,
        rows: NDArray[np.int64],
        augment: AugmentSettings,
        *,
        batch_size: int,
        seed: int,
        small_side_px: int = 0,
        small_steps: int = 0,
        mix_share: float = 0.0,
        choose: RowsOfStep | None = None,
        part: slice = slice(None),
        ahead: int = 3,
    ) -> None:
        """Prepare batches.

        The first ``small_steps`` steps see crops of ``small_side_px``; ``mix_share`` of the views
        are mixtures of two faces. ``choose`` says which rows a step takes, when it shall not be
        ``rows_of_step``. Of each batch only ``part`` is made, as it would be within the whole.
        """
        self._part = part
        self._choose = choose or partial(rows_of_step, rows, batch_size=batch_size, seed=seed)
        self._mix_share = mix_share
        self._small_side_px, self._small_steps = small_side_px, small_steps
        self.rows = rows
        self._pack, self._augment = pack, augment
        self._seed, self._ahead = seed, ahead

    def make(self, step: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the rows (B,) and the augmented crops (B, S, S, 3) of one step's part."""
        # Sorted reading keeps a mapped file on a slow disk sequential; the order within a batch
        # does not matter to the loss.
        rows = np.sort(self._choose(step))
        rng = np.random.default_rng([self._seed, 1, step])
        others, factors = draw_mixtures(len(rows), self._mix_share, rng)
        own = np.arange(len(rows))[self._part]
        others, factors = others[self._part], factors[self._part]
        needed = np.union1d(own, others[factors < 1])
        views = augment_batch(
            self._pack.crops[rows[needed]],
            self._augment,
            rng,
            side_px=self._small_side_px if step < self._small_steps else None,
            places=needed,
        )
        if self._mix_share == 0:
            return rows[own], views
        others = np.where(factors < 1, others, own)
        first, second = np.searchsorted(needed, own), np.searchsorted(needed, others)
        return rows[own], blend(views[first], views[second], factors)

    def stream(
        self, first_step: int, last_step: int
    ) -> Generator[tuple[int, NDArray[np.int64], NDArray[np.float32]]]:
        """Yield (step, rows, crops) for first_step <= step < last_step."""
        ready: queue.Queue[_Item] = queue.Queue(self._ahead)
        stop = threading.Event()
        thread = threading.Thread(
            target=self._fill, args=(ready, stop, range(first_step, last_step)), daemon=True
        )
        thread.start()
        try:
            for _ in range(first_step, last_step):
                item = ready.get()
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            stop.set()
            thread.join()

    def _fill(self, ready: queue.Queue[_Item], stop: threading.Event, steps: range) -> None:
        for step in steps:
            try:
                item: _Item = (step, *self.make(step))
            except BaseException as exc:  # handed to the thread that trains
                item = exc
            while not stop.is_set():
                try:
                    ready.put(item, timeout=0.2)
                    break
                except queue.Full:
                    continue
            if stop.is_set() or isinstance(item, BaseException):
                return
