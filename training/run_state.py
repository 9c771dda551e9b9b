"""All that a run changes from step to step, saved and restored together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from training.checkpoint import Checkpoint, save_checkpoint
from training.errors import CheckpointError
from training.protection import CollapseWatch
from training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class RunState:
    """What is trained, and what remembers its past.

    Attributes:
        net: being trained.
        average: exponential average of its weights.
        optimizer: over net and objective.
        objective: the losses.
        people: names of the labels 0..C-1.
        watch: looks out for collapse.
    """

    net: nn.Module
    average: nn.Module
    optimizer: torch.optim.Optimizer
    objective: nn.Module
    people: list[str]
    watch: CollapseWatch

    def save(self, path: Path, recipe: Recipe, step: int) -> None:
        """Write a checkpoint after ``step`` steps.

        Raises:
            CheckpointError: it cannot be written.
        """
        save_checkpoint(
            path,
            Checkpoint(
                recipe,
                step,
                net=self.net.state_dict(),
                average=self.average.state_dict(),
                optimizer=self.optimizer.state_dict(),
                objective=self.objective.state_dict(),
                people=self.people,
                watch=self.watch.state_dict(),
            ),
        )

    def restore(self, saved: Checkpoint, recipe: Recipe) -> int:
        """Go back to a checkpoint and return its step.

        Raises:
            CheckpointError: it belongs to another recipe or to another pack.
        """
        if saved.recipe != recipe:
            raise CheckpointError(
                "The run to be resumed has another recipe.",
                remedy="Resume it with its own recipe.",
            )
        if saved.people and saved.people != self.people:
            raise CheckpointError(
                f"The run to be resumed has {len(saved.people)} people and the pack "
                f"{len(self.people)} others.",
                remedy="Resume it with its own pack.",
            )
        self.net.load_state_dict(saved.net)
        self.average.load_state_dict(saved.average)
        self.optimizer.load_state_dict(saved.optimizer)
        self.objective.load_state_dict(saved.objective)
        self.watch.load_state_dict(saved.watch)
        return saved.step
