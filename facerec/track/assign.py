"""Who goes with whom: the pairing of least total cost."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# What a pair that must not be costs; larger than any sum of real costs.
FORBIDDEN = 1e6


def assign(costs: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Pair rows with columns so that the sum of costs is least.

    Args:
        costs: (N, M); a pair that costs ``FORBIDDEN`` or more is never made.

    Returns:
        (row, column) of each pair, rows rising; at most min(N, M) of them.

    Reference:
        Kuhn 1955, in the form with shortest augmenting paths (Jonker and Volgenant 1987).
    """
    n_rows, n_columns = costs.shape
    if n_rows > n_columns:
        return sorted((row, column) for column, row in assign(costs.T))
    # (one spare row and column in front: index 0 means "nothing")
    row_price, column_price = np.zeros(n_rows + 1), np.zeros(n_columns + 1)
    row_of = np.zeros(n_columns + 1, dtype=np.intp)
    for row in range(1, n_rows + 1):
        _augment(costs, row, row_of, row_price, column_price)
    pairs = [(int(row_of[column]) - 1, column - 1) for column in range(1, n_columns + 1)]
    return sorted(pair for pair in pairs if pair[0] >= 0 and costs[pair] < FORBIDDEN)


def _augment(
    costs: NDArray[np.float64],
    row: int,
    row_of: NDArray[np.intp],
    row_price: NDArray[np.float64],
    column_price: NDArray[np.float64],
) -> None:
    """Give one more row a column, moving others along the cheapest path; all counted from one."""
    row_of[0] = row
    column = 0
    least = np.full(len(row_of), np.inf)
    came_from = np.zeros(len(row_of), dtype=np.intp)
    used = np.zeros(len(row_of), dtype=bool)
    while row_of[column] or column == 0:
        used[column] = True
        at = row_of[column]
        reduced = costs[at - 1] - row_price[at] - column_price[1:]
        better = ~used[1:] & (reduced < least[1:])
        least[1:][better] = reduced[better]
        came_from[1:][better] = column
        following = int(np.argmin(np.where(used, np.inf, least)[1:])) + 1
        step = least[following]
        row_price[row_of[used]] += step
        column_price[used] -= step
        least[~used] -= step
        column = following
    while column:
        row_of[column] = row_of[came_from[column]]
        column = int(came_from[column])
