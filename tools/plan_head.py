"""Memory and messages of the sharded head for many people, as a table in Markdown.

    python tools/plan_head.py

The factors are what ``tools/measure_head.py`` measured: see ``docs/training-at-scale.md``.
"""

from __future__ import annotations

import itertools
import sys

DIMENSION = 512
BATCH_PER_GPU = 128
FLOAT_BYTES = 4
# Copies of the vectors between steps: themselves and AdamW's two moments.
KEPT = 3
# A crop's label, its largest logit, and its two sums.
CROP_BYTES = 8 + 4 + 8
GIB = 2**30
MIB = 2**20


def main() -> None:
    """Print the table."""
    print_row(
        "people", "GPUs", "share", "people a GPU", "between steps", "in a step", "messages a step"
    )
    print_row(*["---:"] * 7)
    for people, n_gpus, share in itertools.product((10**6, 10**7, 10**8), (8, 64), (1.0, 0.1)):
        held, batch = people / n_gpus, n_gpus * BATCH_PER_GPU
        kept = KEPT * vector_bytes(held)
        largest = kept + step_bytes(held, batch, share)
        print_row(
            f"{people:,}",
            f"{n_gpus}",
            f"{share}",
            f"{held:,.0f}",
            f"{kept / GIB:.2f} GiB",
            f"{largest / GIB:.2f} GiB",
            f"{message_bytes(batch) / MIB:.1f} MiB",
        )


def vector_bytes(people: float) -> float:
    """W: the class vectors of so many people."""
    return FLOAT_BYTES * DIMENSION * people


def step_bytes(held: float, batch: int, share: float) -> float:
    """Most of what a step allocates and gives back, in its three phases."""
    sampled = share * held
    copy = 0 if share == 1 else vector_bytes(sampled)
    embeddings = 2 * FLOAT_BYTES * batch * DIMENSION
    logits = 4 * FLOAT_BYTES * batch * sampled + vector_bytes(sampled) + embeddings + copy
    gradients = 5 * vector_bytes(sampled) + copy
    update = 3 * vector_bytes(held)
    return max(logits, gradients, update)


def message_bytes(batch: int) -> int:
    """Messages of the head: embeddings there, their gradients back, some numbers a crop."""
    return batch * (2 * FLOAT_BYTES * DIMENSION + CROP_BYTES)


def print_row(*cells: str) -> None:
    """Print one row of a table in Markdown."""
    sys.stdout.write(f"| {' | '.join(cells)} |\n")


if __name__ == "__main__":
    main()
