"""The pairing of least cost, beside SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from facerec.track.assign import FORBIDDEN, assign


@pytest.mark.parametrize("seed", range(40))
def test_costs_as_little_as_scipys(seed: int) -> None:
    rng = np.random.default_rng(seed)
    costs = rng.random((rng.integers(0, 8), rng.integers(0, 8)))

    pairs = assign(costs)

    rows, columns = linear_sum_assignment(costs)
    assert len(pairs) == len(rows)
    assert len({column for _, column in pairs}) == len(pairs)
    assert sum(costs[pair] for pair in pairs) == pytest.approx(costs[rows, columns].sum())


def test_forbidden_pairs_are_not_made_and_do_not_disturb_others() -> None:
    costs = np.array([[FORBIDDEN, 0.5], [FORBIDDEN, 0.1]])

    assert assign(costs) == [(1, 1)]


def test_the_whole_counts_not_the_nearest_pair() -> None:
    assert assign(np.array([[0.1, 0.2], [0.15, 0.9]])) == [(0, 1), (1, 0)]
