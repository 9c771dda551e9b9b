"""Checkpoints: tensors and plain values only, atomic, read with ``weights_only=True``."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from training.errors import CheckpointError
from training.recipe import Recipe, recipe_from_table, recipe_to_table

SCHEMA_VERSION = 1
LAST_NAME = "last.pt"


@dataclass(slots=True)
class Checkpoint:
    """A run's state after ``step`` steps.

    Attributes:
        recipe: the run's recipe.
        step: how many optimiser steps have been taken.
        net: weights being trained.
        average: exponential average of the weights; this is what is evaluated and exported.
        optimizer: state of the optimiser.
        objective: weights and statistics of the losses.
        people: names of the labels 0..C-1, the order of a head's vectors.
        watch: what the watch for collapse remembers.
    """

    recipe: Recipe
    step: int
    net: dict[str, torch.Tensor]
    average: dict[str, torch.Tensor]
    optimizer: dict[str, Any]
    objective: dict[str, torch.Tensor] = field(default_factory=dict)
    people: list[str] = field(default_factory=list)
    watch: dict[str, float] = field(default_factory=dict)


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint beside its final place, then move it there.

    Raises:
        CheckpointError: it cannot be written; an older checkpoint at ``path`` stays whole.
    """
    temporary = path.with_suffix(".tmp")
    content = {
        "schema": SCHEMA_VERSION,
        "recipe": recipe_to_table(checkpoint.recipe),
        "step": checkpoint.step,
        "net": checkpoint.net,
        "average": checkpoint.average,
        "optimizer": checkpoint.optimizer,
        "objective": checkpoint.objective,
        "people": checkpoint.people,
        "watch": checkpoint.watch,
        "torch": str(torch.__version__),
    }
    try:
        with temporary.open("wb") as stream:
            torch.save(content, stream)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except (OSError, RuntimeError) as exc:
        temporary.unlink(missing_ok=True)
        rest = " The last checkpoint is whole: resume from it." if path.exists() else ""
        raise CheckpointError(
            f"The checkpoint {path} could not be written: {exc}.", remedy=f"Free some space.{rest}"
        ) from exc


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        CheckpointError: missing, damaged, or of another schema.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as exc:
        raise CheckpointError(
            f"There is no checkpoint {path}.", remedy="A run without one starts without --resume."
        ) from exc
    except Exception as exc:  # torch.load raises many kinds for a damaged file
        raise CheckpointError(
            f"The checkpoint {path} cannot be read.", remedy="Start again, or from an older one."
        ) from exc
    if not isinstance(content, dict) or content.get("schema") != SCHEMA_VERSION:
        raise CheckpointError(f"{path} is no checkpoint of this version.")
    return Checkpoint(
        recipe=recipe_from_table(content["recipe"]),
        step=content["step"],
        net=content["net"],
        average=content["average"],
        optimizer=content["optimizer"],
        objective=content.get("objective", {}),
        people=content.get("people", []),
        watch=content.get("watch", {}),
    )
