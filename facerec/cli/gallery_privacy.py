"""``facerec gallery consent``, ``expire``, ``log``, ``copies`` and ``export-person``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from facerec.cli import output
from facerec.cli.options import (
    GALLERY,
    KEEPING,
    json_option,
    opened_gallery,
    setting_options,
    settings,
)

if TYPE_CHECKING:
    from facerec.gallery.consents import Consent, Terms
    from facerec.services.copies import CopyOutcome

F = TypeVar("F", bound=Callable[..., Any])

_options = setting_options(*GALLERY)
plain_option = click.option(
    "--plain", is_flag=True, help="Write the file in the clear although the gallery is encrypted."
)
_WHAT_OF_COPIES = {
    "rewritten": "Written anew without the person",
    "destroyed": "Deleted, since it held nobody else",
    "missing": "Not at its place any more; erase it where it is now",
    "unreached": "Could not be reached; erase it yourself",
}


def consent_options(function: F) -> F:
    """Add the options that ``terms_of`` takes."""
    options = (
        click.option("--consent", metavar="TEXT", help="How consent was given: 'form 12, signed'."),
        click.option("--purpose", metavar="TEXT", help="What the person is stored for."),
        click.option(
            "--keep-until",
            type=click.DateTime(["%Y-%m-%d"]),
            help="Last day on which the person is named.",
        ),
        click.option(
            "--keep-for",
            type=click.IntRange(1, 36_500),
            metavar="DAYS",
            help="Instead: for how many days from now.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def terms_of(
    consent: str | None,
    purpose: str | None,
    keep_until: datetime | None,
    keep_for: int | None,
    *,
    without_end: bool = False,
) -> Terms | None:
    """Turn the options into what is to be recorded; None when none was given."""
    from facerec.gallery.consents import Terms

    if sum((keep_until is not None, keep_for is not None, without_end)) > 1:
        raise click.UsageError("Give one of --keep-until, --keep-for and --no-end.")
    end = None
    if keep_until is not None:
        # The day counts here, where the user is; it is over at the next midnight.
        end = (keep_until + timedelta(days=1)).astimezone()
    elif keep_for is not None:
        end = datetime.now(UTC) + timedelta(days=keep_for)
    terms = Terms(consent, purpose, end, without_end)
    return None if terms == Terms() else terms


def last_day(consent: Consent | None) -> str:
    """Return the last day on which somebody is named, as a date here; empty without an end."""
    if consent is None or consent.keep_until is None:
        return ""
    day = (consent.keep_until - timedelta(microseconds=1)).astimezone()
    return f"{day:%Y-%m-%d}" + (" (over)" if consent.keep_until <= datetime.now(UTC) else "")


def consent_lines(consent: Consent | None) -> list[str]:
    """Say what somebody agreed to."""
    if consent is None:
        return ["No consent is recorded."]
    lines = [
        f"Consent: {consent.consent or 'not recorded'}",
        f"Purpose: {consent.purpose or 'not recorded'}",
        f"Kept until: {last_day(consent) or 'no end'}",
    ]
    if consent.noticed_at is not None:
        lines.append("Not named any more, and about to be erased: facerec gallery expire --dry-run")
    return lines


def copy_lines(copies: Sequence[CopyOutcome]) -> list[str]:
    """Say what became of the files outside the gallery when somebody was erased."""
    lines = [
        f"{_WHAT_OF_COPIES[copy.state]}: {copy.path}" + (f" ({copy.why})" if copy.why else "")
        for copy in copies
        if copy.state in _WHAT_OF_COPIES
    ]
    return [*lines, "Copies that other programs made of these files are yours to erase."]


@click.command()
@click.argument("name")
@consent_options
@click.option("--no-end", is_flag=True, help="The person may be kept without an end.")
@setting_options(*GALLERY, "store.grace_days")
@json_option
def consent(
    name: str,
    *,
    consent: str | None,
    purpose: str | None,
    keep_until: datetime | None,
    keep_for: int | None,
    no_end: bool,
    as_json: bool,
    **flags: object,
) -> None:
    """Record what the person NAME agreed to; without options, show it. This can be undone.

    From the day after --keep-until the person is not named any more. The first opening of the
    gallery after that says so, and the first one after the days of grace erases the person.

    Example: facerec gallery consent "Ada Lovelace" --keep-until 2027-12-31
    """
    from facerec.services.consent import record_consent
    from facerec.services.people import show_person

    terms = terms_of(consent, purpose, keep_until, keep_for, without_end=no_end)
    with opened_gallery(settings(flags)) as opened:
        recorded = (
            show_person(opened, name).consent
            if terms is None
            else record_consent(opened, name, terms)
        )
    text = "\n".join(consent_lines(recorded))
    output.emit(text, {"name": name, "consent": recorded}, as_json=as_json)


@click.command()
@click.option("--dry-run", is_flag=True, help="Only list them.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@setting_options(*GALLERY, *KEEPING)
@json_option
def expire(*, dry_run: bool, yes: bool, as_json: bool, **flags: object) -> None:
    """Erase everybody whose time in the gallery is over, for good and at once.

    Without this command they are not named any more either, and are erased after the days of grace.

    Example: facerec gallery expire --dry-run
    """
    from facerec.services.expire import expire as expire_now
    from facerec.services.expire import list_overdue

    with opened_gallery(settings(flags), keeps_terms=False) as opened:
        overdue = list_overdue(opened)
        rows = [
            [
                person.name,
                f"{person.keep_until:%Y-%m-%d}",
                "" if person.erased_from is None else f"{person.erased_from:%Y-%m-%d}",
            ]
            for person in overdue
        ]
        text = output.table(["name", "over since (UTC)", "erased from (UTC)"], rows)
        if dry_run or not overdue:
            found = output.counted(len(overdue), "person", "people")
            output.emit(f"{text}\n{found}", {"overdue": overdue}, as_json=as_json)
            return
        if not yes:
            click.confirm(f"{text}\nErase them for good?", abort=True, err=True)
        report = expire_now(opened)
    lines = [f"Erased for good: {output.counted(report.n_erased, 'person', 'people')}."]
    lines.extend(f"This file may still hold them: {path}" for path in report.left_copies)
    output.emit("\n".join(lines), {"overdue": overdue, "report": report}, as_json=as_json)


@click.command()
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True)
@_options
@json_option
def log(limit: int, *, as_json: bool, **flags: object) -> None:
    """List who did what with the gallery, newest first.

    Neither faces nor names of erased people are in it. Searches are counted, and noted when the
    program that searched lets go of the gallery.

    Example: facerec gallery log --limit 5
    """
    from facerec.services.access import access_log

    with opened_gallery(settings(flags)) as opened:
        found = access_log(opened, limit=limit)
    rows = [
        [
            f"{row.at:%Y-%m-%d %H:%M:%S}",
            row.account,
            row.program,
            row.action,
            row.n,
            row.name or ("" if row.person_id is None else f"(person {row.person_id})"),
        ]
        for row in found
    ]
    text = output.table(["when (UTC)", "account", "program", "what", "number", "who"], rows)
    output.emit(text, {"entries": found}, as_json=as_json)


@click.command()
@click.option("--forget-missing", is_flag=True, help="Take those that are gone off the list.")
@_options
@json_option
def copies(*, forget_missing: bool, as_json: bool, **flags: object) -> None:
    """List the exports and backups the program made, which an erasure reaches.

    Example: facerec gallery copies
    """
    from facerec.services.copies import forget_missing_copies, list_copies

    with opened_gallery(settings(flags)) as opened:
        n_forgotten = forget_missing_copies(opened) if forget_missing else 0
        found = list_copies(opened)
    rows = [
        [
            copy.path,
            copy.kind.replace("_", " "),
            f"{copy.made_at:%Y-%m-%d %H:%M}",
            "" if copy.path.exists() else "not there",
        ]
        for copy in found
    ]
    text = output.table(["file", "what", "made (UTC)", ""], rows)
    if forget_missing:
        text += f"\nTaken off the list: {n_forgotten}"
    output.emit(text, {"copies": found, "n_forgotten": n_forgotten}, as_json=as_json)


@click.command("export-person")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@plain_option
@_options
@json_option
def export_person(name: str, file: Path, *, plain: bool, as_json: bool, **flags: object) -> None:
    """Write all that is stored of the person NAME to the zip FILE, in open formats.

    Made to be handed over when somebody asks what is stored of them. The file is in the clear.

    Example: facerec gallery export-person "Ada Lovelace" ada.zip
    """
    from facerec.services.person_export import export_person as export

    with opened_gallery(settings(flags)) as opened:
        report = export(opened, name, file, in_the_clear=plain)
    text = (
        f"{file} holds what is stored of {report.name}: "
        f"{output.counted(report.n_templates, 'template')}, "
        f"{output.counted(report.n_sightings, 'sighting')} and "
        f"{output.counted(report.n_steps, 'line')} of the history."
    )
    output.emit(text, {"file": file, "report": report}, as_json=as_json)


COMMANDS = (consent, expire, log, copies, export_person)
