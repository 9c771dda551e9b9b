"""Several processes on this machine, as torchrun starts them, talking through a file."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from training.distributed import World


def run_on_ranks(folder: Path, n_ranks: int, work: Callable[..., Any], *args: object) -> list[Any]:
    """Call work(world, *args) in n processes; return what each of them returned.

    ``work`` is a function of a module; what it returns are tensors and plain values.
    """
    folder.mkdir(parents=True, exist_ok=True)
    mp.spawn(_run, (n_ranks, folder, work, args), nprocs=n_ranks)
    return [torch.load(folder / f"{rank}.pt") for rank in range(n_ranks)]


def _run(rank: int, n_ranks: int, folder: Path, work: Callable[..., Any], args: Any) -> None:
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo",
        init_method=f"file://{(folder / 'meeting').absolute()}",
        rank=rank,
        world_size=n_ranks,
        timeout=datetime.timedelta(seconds=60),
    )
    try:
        torch.save(work(World(rank, n_ranks), *args), folder / f"{rank}.pt")
    finally:
        dist.destroy_process_group()
