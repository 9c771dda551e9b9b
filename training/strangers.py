"""The reference of a model: how high strangers score, on people held out from training; never LFW.

Galleries of several sizes are drawn from the held-out people of one source, one crop each; all
others of them search as strangers, weighted at random. Each gallery gives its own Thresholds, so
that their spread holds both who is enrolled and who comes by.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from facerec.match.calibrate import fit_tail, tail_start
from facerec.match.reference import Reference
from training.data.pack import CropPack
from training.errors import ExportError
from training.thresholds import threshold_rows

SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500)
RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.2)
N_GALLERIES = 400
# Bounds are one-sided at 95 %.
LOW, HIGH = 0.05, 0.95


def reference_of(
    pack: CropPack,
    rows: NDArray[np.int64],
    vectors: NDArray[np.float32],
    contract_id: str,
    *,
    n_galleries: int = N_GALLERIES,
    sizes: Sequence[int] = SIZES,
    seed: int = 0,
) -> Reference:
    """Measure galleries drawn from held-out people.

    Args:
        pack: the pack.
        rows: (M,) positions of the held-out people of one source.
        vectors: (M, D) float32 of unit length.
        contract_id: what the vectors were made under.
        n_galleries: galleries of each size.
        sizes: how many people are enrolled, rising; at most half of those there are.
        seed: of the random generator.

    Raises:
        ExportError: there are too few people.
    """
    people = np.unique([pack.items[row].group for row in rows], return_inverse=True)[1]
    n_people = int(people.max()) + 1
    usable = tuple(size for size in sizes if 2 * size <= n_people)
    if n_people < 100 or not usable:
        raise ExportError(
            f"{n_people} held-out people are too few for a reference.",
            remedy="Use a pack with 100 held-out people or more of one source.",
        )
    rng = np.random.default_rng(seed)
    table = np.array(
        [[_thresholds(vectors, people, size, rng) for _ in range(n_galleries)] for size in usable]
    )  # (S, R, K)
    low, expected, high = np.quantile(table, [LOW, 0.5, HIGH], axis=1).round(4)
    counts = np.bincount(people)
    sources = sorted({pack.items[row].source for row in rows})
    return Reference(
        contract_id=contract_id,
        data=f"people held out from training: {', '.join(sources)}",
        n_people=n_people,
        n_comparisons=int((len(rows) ** 2 - (counts**2).sum()) // 2),
        date=datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        sizes=usable,
        rates=RATES,
        low=_rows(low),
        expected=_rows(expected),
        high=_rows(high),
    )


def reference_of_model(pack: CropPack, model: str, source: str) -> Reference:
    """Embed the held-out people of one source with a model file, and measure galleries of them.

    Args:
        pack: with held-out people.
        model: name of the model.
        source: name of the source; those of different ones are told apart by style alone.

    Raises:
        ExportError: there are too few people.
        NotFoundError: there is no such model.
    """
    from facerec.embed.base import open_embedder

    rows = threshold_rows(pack, [source])
    embedder = open_embedder(model, device="cpu", n_threads=0, mirror=False)
    vectors = np.concatenate(
        [embedder.embed_vectors(pack.crops[rows[at : at + 32]]) for at in range(0, len(rows), 32)]
    )
    return reference_of(pack, rows, vectors, embedder.contract_id)


def _thresholds(
    vectors: NDArray[np.float32], people: NDArray[np.intp], size: int, rng: np.random.Generator
) -> list[float]:
    """Thresholds of one gallery of ``size`` people at all rates."""
    order = rng.permutation(len(people))
    # The first crop of each person in a random order: one at random of each.
    one_each = order[np.unique(people[order], return_index=True)[1]]
    rng.shuffle(one_each)
    enrolled, strangers = one_each[:size], one_each[size:]
    best = (vectors[strangers] @ vectors[enrolled].T).max(axis=1)
    weights = rng.exponential(size=len(best))
    found = []
    for rate in RATES:
        start = tail_start(best, weights, rate, len(best))
        found.append(float(fit_tail(best, weights[None], start, size).thresholds(rate)[0]))
    # Rates fitted to different tails may cross by a hair.
    return list(accumulate(reversed(found), max))[::-1]


def _rows(table: NDArray[np.float64]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in table.tolist())
