"""Checkpoints of a run with several ranks: the first writes what all share, each its own rows.

``last.pt`` is what one process would write. Rows that live on one rank only (class vectors and the
optimiser's memory of them) lie in ``shards/STEP/RANK.pt`` beside it and are never brought together:
for many people no machine could hold them. A run can be resumed with another number of ranks, for
each takes its rows from whatever files have them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from training.checkpoint import Checkpoint, save_checkpoint
from training.distributed import ShardedParameter, World
from training.errors import CheckpointError

SHARDS_NAME = "shards"


def save_on_all_ranks(
    path: Path,
    checkpoint: Checkpoint,
    objective: nn.Module,
    optimizer: torch.optim.Optimizer,
    world: World,
) -> None:
    """Write a checkpoint; all ranks call this.

    The shared part comes last and names the step of the others, so that a run killed in between
    still has its last checkpoint whole.

    Raises:
        CheckpointError: it cannot be written.
    """
    sharded = _sharded(objective)
    if sharded:
        folder = _folder(path, checkpoint.step)
        rows = {name: _pack(p, optimizer.state.get(p, {})) for name, p in sharded.items()}
        _write(folder / f"{world.rank}.pt", rows)
        checkpoint = replace(
            checkpoint, optimizer=_without(checkpoint.optimizer, optimizer, sharded)
        )
        if world.is_first:
            _remove_ranks(folder, world.size)
        world.wait()
    if world.is_first:
        save_checkpoint(path, checkpoint)
        if sharded:
            _remove_others(folder)


def load_shards(
    path: Path, step: int, objective: nn.Module, optimizer: torch.optim.Optimizer | None
) -> None:
    """Fill this rank's rows and the optimiser's memory of them, after all else was restored.

    Args:
        path: of the shared part.
        step: of the checkpoint.
        objective: whose sharded parameters are filled.
        optimizer: over them; without one only the rows are filled.

    Raises:
        CheckpointError: rows are missing, or the optimiser's memory cannot be cut by rows.
    """
    folder = _folder(path, step)
    for name, parameter in _sharded(objective).items():
        n_found = 0
        for saved in _read(folder, name):
            n_found += _take(parameter, saved, optimizer)
        if n_found != len(parameter):
            raise CheckpointError(
                f"{folder} has {n_found} of the {len(parameter)} class vectors needed here.",
                remedy="Let all machines share the run folder, or copy its shards together.",
            )


def _sharded(module: nn.Module) -> dict[str, ShardedParameter]:
    return {n: p for n, p in module.named_parameters() if isinstance(p, ShardedParameter)}


def _folder(path: Path, step: int) -> Path:
    return path.parent / SHARDS_NAME / f"{path.stem}-{step:08d}"


def _pack(parameter: ShardedParameter, state: dict[str, Any]) -> dict[str, Any]:
    return {
        "first": parameter.first,
        "n_rows": parameter.n_rows,
        "weight": parameter.detach(),
        "state": state,
    }


def _without(
    saved: dict[str, Any],
    optimizer: torch.optim.Optimizer,
    sharded: dict[str, ShardedParameter],
) -> dict[str, Any]:
    """Leave the memory of sharded parameters out of an optimiser's state."""
    left_out = {id(p) for p in sharded.values()}
    ordered = [p for group in optimizer.param_groups for p in group["params"]]
    places = {place for place, p in enumerate(ordered) if id(p) in left_out}
    state = {place: value for place, value in saved["state"].items() if place not in places}
    return saved | {"state": state}


def _write(path: Path, content: dict[str, Any]) -> None:
    temporary = path.with_suffix(".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(content, temporary)
        temporary.replace(path)
    except (OSError, RuntimeError) as exc:
        temporary.unlink(missing_ok=True)
        raise CheckpointError(
            f"The class vectors {path} could not be written: {exc}.", remedy="Free some space."
        ) from exc


def _remove_ranks(folder: Path, n_ranks: int) -> None:
    """Remove what a run with more ranks, that was killed in between, has left of this step."""
    for path in folder.glob("*.pt"):
        if int(path.stem) >= n_ranks:
            path.unlink()


def _remove_others(folder: Path) -> None:
    """Remove older shards of the same checkpoint file."""
    stem = folder.name.rpartition("-")[0]
    for other in folder.parent.iterdir():
        if other != folder and other.name.rpartition("-")[0] == stem:
            shutil.rmtree(other)


def _read(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    """Map one parameter's rows of all files into memory, file by file."""
    for path in sorted(folder.glob("*.pt")):
        try:
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        except Exception as exc:  # torch.load raises many kinds for a damaged file
            raise CheckpointError(
                f"The class vectors {path} cannot be read.", remedy="Start again."
            ) from exc
        if name in content:
            yield content[name]


@torch.no_grad()
def _take(
    parameter: ShardedParameter,
    saved: dict[str, Any],
    optimizer: torch.optim.Optimizer | None,
) -> int:
    """Copy the rows that a file and this rank have in common; return how many these are."""
    n_saved: int = len(saved["weight"])
    begin: int = max(parameter.first, saved["first"])
    end: int = min(parameter.first + len(parameter), saved["first"] + n_saved)
    if begin >= end or saved["n_rows"] != parameter.n_rows:
        return 0
    here = slice(begin - parameter.first, end - parameter.first)
    there = slice(begin - saved["first"], end - saved["first"])
    parameter[here] = saved["weight"][there].to(parameter.device)
    if optimizer is None:
        return end - begin
    state = optimizer.state[parameter]
    for key, value in saved["state"].items():
        if not isinstance(value, torch.Tensor) or value.ndim == 0:
            state[key] = value
        elif value.shape == saved["weight"].shape:
            memory = state.setdefault(key, torch.zeros_like(parameter))
            memory[here] = value[there].to(parameter.device)
        elif n_saved == len(parameter) == end - begin:
            state[key] = value.to(parameter.device)
        else:
            raise CheckpointError(
                f"The optimiser's {key} cannot be shared out to another number of processes.",
                remedy="Resume with as many processes as before.",
            )
    return end - begin
