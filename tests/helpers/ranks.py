"""Several processes on this machine, joined as torchrun joins them."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.multiprocessing as mp

from training.distributed import joined


def run_on_ranks(folder: Path, n_ranks: int, work: Callable[..., Any], *args: object) -> list[Any]:
    """Call work(world, *args) in n processes; return what each of them returned.

    ``work`` is a function of a module; what it returns are tensors and plain values.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mp.spawn(_run, (n_ranks, port, folder, work, args), nprocs=n_ranks)
    return [torch.load(folder / f"{rank}.pt") for rank in range(n_ranks)]


def _run(
    rank: int, n_ranks: int, port: int, folder: Path, work: Callable[..., Any], args: Any
) -> None:
    torch.set_num_threads(1)
    os.environ |= {
        "RANK": str(rank),
        "WORLD_SIZE": str(n_ranks),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    with joined("cpu") as world:
        torch.save(work(world, *args), folder / f"{rank}.pt")
