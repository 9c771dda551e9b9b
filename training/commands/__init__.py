"""The commands that training adds: ``facerec train`` and ``facerec export``.

Nothing heavy is imported before a command runs: the help page of the program loads this package.
"""

from training.commands import (  # noqa: F401  (each enters its commands into a group)
    comparisons,
    exports,
    finetuning,
    packs,
    runs,
)
from training.commands.groups import export, train

__all__ = ["export", "train"]
