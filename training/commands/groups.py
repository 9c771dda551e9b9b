"""The groups ``facerec train`` and ``facerec export``; the modules beside this one fill them."""

from __future__ import annotations

import click


class DefaultGroup(click.Group):
    """A group whose first word may be left out: ``train RECIPE`` means ``train run RECIPE``.

    Attributes:
        default_command: what is run when the first word names no command.
    """

    def __init__(self, *args: object, default_command: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.default_command = default_command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert the default command where no command is named."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = [self.default_command, *args]
        return super().parse_args(ctx, args)


@click.group(cls=DefaultGroup, default_command="run")
def train() -> None:
    """Train an embedding network by a recipe.

    Example: facerec train lean-distill --pack PACK --run runs/first
    """


@click.group(cls=DefaultGroup, default_command="model")
def export() -> None:
    """Turn a checkpoint into a model file with its card.

    Example: facerec export runs/first/last.pt --pack PACK --name mine
    """
