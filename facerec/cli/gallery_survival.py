"""``facerec gallery backup``, ``restore`` and ``repair``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli import output
from facerec.cli.options import (
    GALLERY,
    gallery_folder,
    json_option,
    opened_gallery,
    setting_options,
    settings,
)

if TYPE_CHECKING:
    from facerec.services.repair import RepairReport
    from facerec.services.restore import RestorePlan

_options = setting_options(*GALLERY)
# Names printed before "and N more".
_SHOWN = 8


@click.command()
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
@_options
@json_option
def backup(out: Path, *, as_json: bool, **flags: object) -> None:
    """Write everything the gallery holds to the file OUT, also while it is in use.

    The file holds faces and names as the gallery does: keep it as safe.

    Example: facerec gallery backup gallery-2026-03-01.backup
    """
    from facerec.services.backup import back_up

    with opened_gallery(settings(flags)) as opened:
        report = back_up(opened, out)
    counts = report.manifest.counts
    text = (
        f"{out} holds {_people(counts['people'], counts['templates'])}, and was read back whole "
        f"({report.n_bytes / 1e6:.1f} MB)."
    )
    output.emit(text, {"report": report}, as_json=as_json)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.option(
    "--keep/--no-keep",
    default=True,
    help="Keep the gallery that is replaced, as a backup in its folder (a damaged one always is).",
)
@_options
@json_option
def restore(file: Path, *, dry_run: bool, keep: bool, as_json: bool, **flags: object) -> None:
    """Put the backup FILE into the place of the gallery.

    Example: facerec gallery restore gallery-2026-03-01.backup --dry-run
    """
    from facerec.services.restore import plan_restore
    from facerec.services.restore import restore as put_back

    folder = gallery_folder(settings(flags))
    if dry_run:
        plan = plan_restore(folder, file)
        text = "\n".join([*_plan_lines(plan), "Nothing was changed."])
        output.emit(text, {"plan": plan, "dry_run": True}, as_json=as_json)
        return
    report = put_back(folder, file, keep=keep)
    counts = report.plan.backup.counts
    lines = _plan_lines(report.plan)
    lines.append(f"Restored: {_people(counts['people'], counts['templates'])} in {folder}.")
    if report.kept is not None:
        lines.append(
            f"What was there is kept in {report.kept}; delete that when you do not need it."
        )
    output.emit("\n".join(lines), {"report": report, "dry_run": False}, as_json=as_json)


@click.command()
@_options
@json_option
def repair(*, as_json: bool, **flags: object) -> None:
    """Make a damaged gallery whole, as far as it can be read, and its index anew.

    Example: facerec gallery repair
    """
    from facerec.services.repair import repair as mend

    report = mend(gallery_folder(settings(flags)))
    output.emit("\n".join(repair_lines(report)), {"report": report}, as_json=as_json)


def repair_lines(report: RepairReport) -> list[str]:
    """Say what was found and done."""
    lines = []
    if report.removed:
        lines.append(f"Removed, being half made: {_some([p.name for p in report.removed])}.")
    saved = report.salvaged
    if saved is None:
        lines.append("The database is whole.")
    else:
        lines.append(
            f"The database was damaged; saved: {_people(saved.n_people, saved.n_templates)}."
        )
        if saved.renamed_people:
            lines.append(f"Names that were lost, found in part: {_some(saved.renamed_people)}.")
        if saved.lost_templates:
            named = [
                f"{lost.id} ({lost.person or 'of nobody known'})" for lost in saved.lost_templates
            ]
            lines.append(f"Templates that were lost: {_some(named)}; enrol them from the pictures.")
        if saved.lost_crops:
            named = [f"{lost.id} ({lost.person})" for lost in saved.lost_crops]
            lines.append(f"Crops that were lost, of templates: {_some(named)}.")
        if not saved.keeps_history:
            lines.append("The history was lost: earlier changes cannot be undone.")
        lines.append(
            f"The damaged database is kept in {report.kept}; delete that when all is well."
        )
    if report.index_fault:
        lines.append(f"The index file was {report.index_fault}.")
    lines.append(f"The index was made anew ({output.counted(report.index.n_indexed, 'template')}).")
    return lines


def _plan_lines(plan: RestorePlan) -> list[str]:
    counts = plan.backup.counts
    now = (
        "The gallery there now is damaged."
        if plan.n_people is None or plan.n_templates is None
        else f"The gallery now has {_people(plan.n_people, plan.n_templates)}."
    )
    then = _people(counts["people"], counts["templates"])
    lines = [f"The backup of {plan.backup.made_at} is whole, with {then}.", now]
    for what, names in (
        ("Not in the backup", plan.leaving),
        ("Only in the backup", plan.returning),
        ("With other templates", plan.changing),
    ):
        if names:
            lines.append(f"{what}: {_some(names)}.")
    return lines


def _people(n_people: int, n_templates: int) -> str:
    people = output.counted(n_people, "person", "people")
    return f"{people} with {output.counted(n_templates, 'template')}"


def _some(names: Sequence[str]) -> str:
    text = ", ".join(names[:_SHOWN])
    more = len(names) - _SHOWN
    return f"{text} and {more} more" if more > 0 else text


COMMANDS = (backup, restore, repair)
