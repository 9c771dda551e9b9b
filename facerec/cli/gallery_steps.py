"""``facerec gallery undo``, ``redo`` and ``history``."""

from __future__ import annotations

import click

from facerec.cli import output
from facerec.cli.options import GALLERY, json_option, opened_gallery, setting_options, settings

_options = setting_options(*GALLERY, "store.keep_days")


@click.command()
@click.argument("step_id", metavar="[STEP]", type=int, required=False)
@_options
@json_option
def undo(step_id: int | None, *, as_json: bool, **flags: object) -> None:
    """Take back the last change, or the one numbered STEP if no later one builds on it.

    Example: facerec gallery undo
    """
    from facerec.services import steps

    with opened_gallery(settings(flags)) as opened:
        step = steps.undo(opened, step_id)
    output.emit(f"Undone: {step.sentence}.", {"step": step}, as_json=as_json)


@click.command()
@_options
@json_option
def redo(*, as_json: bool, **flags: object) -> None:
    """Do again what was undone last.

    Example: facerec gallery redo
    """
    from facerec.services import steps

    with opened_gallery(settings(flags)) as opened:
        step = steps.redo(opened)
    output.emit(f"Done again: {step.sentence}.", {"step": step}, as_json=as_json)


@click.command()
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True)
@_options
@json_option
def history(limit: int, *, as_json: bool, **flags: object) -> None:
    """List the last changes, newest first.

    Example: facerec gallery history --limit 5
    """
    from facerec.services import steps

    with opened_gallery(settings(flags)) as opened:
        found = steps.history(opened, limit=limit)
    rows = [
        [step.id, f"{step.made_at:%Y-%m-%d %H:%M}", step.sentence, "undone" * step.is_undone]
        for step in found
    ]
    text = output.table(["step", "when (UTC)", "what", ""], rows)
    output.emit(text, {"steps": found}, as_json=as_json)


COMMANDS = (undo, redo, history)
