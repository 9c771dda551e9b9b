"""A command group that imports a command's module only when that command runs."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

ENTRY_POINT_GROUP = "facerec.commands"


class LazyGroup(click.Group):
    """Commands from a table ``name -> (module:attribute, one-line help)``, and from entry points.

    Entry points of the group ``facerec.commands`` are how other packages add commands. Their
    modules must be cheap to import: the help page loads them for their one line.
    """

    def __init__(
        self,
        *args: Any,  # noqa: ANN401  (handed to click as they are)
        commands_table: Mapping[str, tuple[str, str]],
        entry_point_group: str | None = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(*args, **kwargs)
        self._table = dict(commands_table)
        self._entry_point_group = entry_point_group

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, sorted."""
        del ctx
        return sorted({*self._table, *self._entry_points()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        entry = self._entry_points().get(cmd_name) if self._is_open_to(cmd_name) else None
        if entry is not None:
            return _command(entry.load(), cmd_name)
        if cmd_name not in self._table:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self._table[cmd_name][0].partition(":")
        return _command(getattr(import_module(module), attribute), cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command meant; an unknown one is refused with the nearest name."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and self.get_command(ctx, name) is None:
            close = get_close_matches(name, self.list_commands(ctx), n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            ctx.fail(f"There is no command {name!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing those of the table."""
        names = self.list_commands(ctx)
        width = formatter.width - 6 - max(map(len, names), default=0)
        rows = [(name, self._short_help(ctx, name, width)) for name in names]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def _short_help(self, ctx: click.Context, name: str, width: int) -> str:
        if name in self._table and not self._replaced(name):
            return self._table[name][1]
        try:
            command = self.get_command(ctx, name)
        except ImportError as exc:
            # One broken package must not take the help page of all the others with it.
            return f"(cannot be loaded: {exc})"
        return command.get_short_help_str(limit=max(width, 45)) if command else ""

    def _is_open_to(self, name: str) -> bool:
        # Known commands start without the 30 ms that listing all installed packages takes.
        return name not in self._table or name in REPLACEABLE

    def _replaced(self, name: str) -> bool:
        return name in REPLACEABLE and name in self._entry_points()

    def _entry_points(self) -> Mapping[str, Any]:
        if self._entry_point_group is None:
            return {}
        from importlib.metadata import entry_points

        return {entry.name: entry for entry in entry_points(group=self._entry_point_group)}


# Commands of the table that an installed package takes over: the window brings the real `app`.
REPLACEABLE = frozenset({"app"})


def _command(loaded: object, name: str) -> click.Command:
    if not isinstance(loaded, click.Command):
        raise TypeError(f"The entry for {name!r} is no click command: {loaded!r}.")
    return loaded
