"""Views with what the teachers saw in them, shown once or several times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.data.batches import BatchSource
from training.data.live_teacher import Looks

# Rows (B,) of the pack and the views (B, S, S, 3) made of them -> what teachers say.
LookAt = Callable[[NDArray[np.int64], NDArray[np.float32]], Looks]


@dataclass(frozen=True, slots=True, eq=False)
class Views:
    """A batch as it is trained on.

    Attributes:
        rows: (B,) positions in the pack.
        crops: (B, S, S, 3) float32, disturbed.
        looks: what the teachers say.
    """

    rows: NDArray[np.int64]
    crops: NDArray[np.float32]
    looks: Looks

    def take(self, places: NDArray[np.int64], *, mirror: bool = False) -> Views:
        """Return the views at (M,) places, or their mirror images with the same looks."""
        looks = self.looks
        crops = self.crops[places]
        return Views(
            self.rows[places],
            crops[:, :, ::-1] if mirror else crops,
            Looks(
                None if looks.targets is None else looks.targets[places],
                tuple(inner[places] for inner in looks.maps),
            ),
        )


def stream_views(
    source: BatchSource,
    look_at: LookAt,
    first_step: int,
    last_step: int,
    *,
    looks: int = 1,
    kept_batches: int = 1,
    is_mirrored: bool = False,
    seed: int = 0,
) -> Iterator[tuple[int, Views]]:
    """Yield (step, views) for first_step <= step < last_step.

    With several looks, ``kept_batches`` new batches are shown one by one and kept; then all their
    views are dealt out anew, ``looks - 1`` times, before the next new ones are made. What a step
    shows is a function of the step.

    Args:
        source: makes batches; each of them once.
        look_at: asks the teachers; once for each batch.
        first_step: of this part of the run.
        last_step: of the run.
        looks: how many steps learn from each view.
        kept_batches: how many batches are kept at a time.
        is_mirrored: the looks hold for the mirror images too, which every second time are shown.
        seed: of the order.
    """
    if looks == 1:
        for step, rows, crops in source.stream(first_step, last_step):
            yield step, Views(rows, crops, look_at(rows, crops))
        return
    block_steps = kept_batches * looks
    first_block, n_blocks = first_step // block_steps, -(-last_step // block_steps)
    new = source.stream(first_block * kept_batches, n_blocks * kept_batches)
    with closing(new):
        for block in range(first_block, n_blocks):
            kept: list[Views] = []
            begin = block * block_steps
            for step in range(begin, min(begin + block_steps, last_step)):
                turn, place = divmod(step - begin, kept_batches)
                if turn == 0:
                    _, rows, crops = next(new)
                    kept.append(Views(rows, crops, look_at(rows, crops)))
                if step >= first_step:
                    rng = np.random.default_rng([seed, 6, block, turn])
                    mirror = is_mirrored and turn % 2 == 1
                    yield step, kept[place] if turn == 0 else _dealt(kept, rng, place, mirror)


def _dealt(kept: list[Views], rng: np.random.Generator, place: int, mirror: bool) -> Views:
    """Return the batch at a place after all kept views were dealt out in a new order.

    The views of a new batch come from as many old ones as there are.
    """
    size = len(kept[0].rows)
    order = rng.permutation(len(kept) * size)[place * size : (place + 1) * size]
    batches, places = np.divmod(order, size)
    parts = [
        kept[batch].take(places[batches == batch], mirror=mirror) for batch in np.unique(batches)
    ]
    n_maps = len(parts[0].looks.maps)
    targets = [part.looks.targets for part in parts if part.looks.targets is not None]
    return Views(
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.crops for part in parts]),
        Looks(
            np.concatenate(targets) if targets else None,
            tuple(np.concatenate([part.looks.maps[n] for part in parts]) for n in range(n_maps)),
        ),
    )
