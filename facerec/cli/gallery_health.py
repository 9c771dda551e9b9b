"""``facerec gallery health``: what in the gallery makes wrong or missed names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli import output
from facerec.cli.options import (
    DECISION,
    GALLERY,
    json_option,
    opened_gallery,
    setting_options,
    settings,
)

if TYPE_CHECKING:
    from facerec.services.health_types import Finding, HealthReport

_NOUNS = {
    "misfiled": "misfiled picture",
    "duplicate": "duplicate",
    "look_alike": "look-alike",
    "outlier": "outlier",
    "weak": "weak picture",
    "near_threshold": "person at risk",
}


@click.command()
@click.option("--apply", "apply", type=int, metavar="N", help="Do what finding N suggests.")
@click.option(
    "--refuse", type=int, metavar="N", help="Note that finding N is wrong: it is somebody else."
)
@click.option(
    "--pictures",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write each finding's pictures side by side into FOLDER.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="Findings of each kind, and people, to show; --json gives all.",
)
@setting_options(*GALLERY, "store.keep_days", "embed.model", *DECISION)
@json_option
def health(
    apply: int | None,
    refuse: int | None,
    pictures: Path | None,
    *,
    limit: int,
    as_json: bool,
    **flags: object,
) -> None:
    """Say what in the gallery makes wrong or missed names, and what to do about it.

    Nothing is changed unless --apply or --refuse asks for it; both can be undone.

    Example: facerec gallery health --pictures findings
    """
    from facerec.services import health as service
    from facerec.services.from_settings import match_rule

    if apply is not None and refuse is not None:
        raise click.UsageError("Give --apply or --refuse, not both.")
    current = settings(flags)
    with opened_gallery(current) as opened, output.progress() as task:
        report = service.check_health(opened, match_rule(current, opened), task=task)
        chosen = apply if refuse is None else refuse
        if chosen is not None:
            finding = service.find_finding(report, chosen)
            (service.apply_finding if refuse is None else service.refuse_finding)(opened, finding)
            done = _done(finding, refused=refuse is not None)
            output.emit(done, {"finding": _payload(finding), "done": done}, as_json=as_json)
            return
        shown = report.findings if as_json else _shown(report, limit)
        written = service.write_pictures(opened, shown, pictures) if pictures else {}
    payload = {
        "n_people": report.n_people,
        "n_templates": report.n_templates,
        "threshold": report.threshold,
        "n_searches": report.n_searches,
        "n_found": report.n_found,
        "n_wrong": report.n_wrong,
        "findings": [{**_payload(one), "picture": written.get(one.number)} for one in shown],
        "people": report.people,
    }
    output.emit(_text(report, shown, limit, written), payload, as_json=as_json)


def sentence(finding: Finding) -> str:
    """Say what is the matter."""
    first, *rest = finding.names
    other = rest[0] if rest else ""
    template = f"template {finding.template_ids[0]}"
    score, beside = f"{finding.score:.2f}", f"{finding.beside:.2f}"
    return {
        "misfiled": f"{template} is filed under {first} and looks like {other} "
        f"(score {score}, with {first}'s others {beside})",
        "duplicate": f"{first} and {other} are most likely one person "
        f"(score {score}; one person's score about {beside})",
        "look_alike": f"{first} and {other} look alike (score {score}, threshold {beside})",
        "outlier": f"{template} of {first} does not look like the others "
        f"(score {score}, usual {beside})",
        "weak": f"{template} of {first} is poor (quality {score}, {beside} is enough)",
        "near_threshold": f"{first} will often be missed (lowest own score {score}, "
        f"threshold {beside})",
    }[finding.kind.value] + "".join(f" {issue.message}" for issue in finding.issues)


def _consequence(finding: Finding) -> str:
    """Say what the action would change."""
    effect, outlook = finding.effect, finding.outlook
    if effect is not None:
        return (
            f"of {output.counted(effect.n_searches, 'search', 'searches')} leaving one out, "
            f"{effect.found_before} -> {effect.found_after} are found and "
            f"{effect.wrong_before} -> {effect.wrong_after} wrongly named"
        )
    if outlook is None:
        return "needs another picture"
    what = "are missed" if finding.kind.value == "near_threshold" else "are named as the other"
    return (
        f"of 1,000 new looks about {1000 * outlook.before:,.0f} {what}, "
        f"with another picture {1000 * outlook.after:,.0f}"
    )


def _payload(finding: Finding) -> dict[str, object]:
    return {
        **{name: getattr(finding, name) for name in finding.__slots__},
        "sentence": sentence(finding),
        "command": finding.action.command,
        "consequence": _consequence(finding),
    }


def _shown(report: HealthReport, limit: int) -> list[Finding]:
    seen: Counter[str] = Counter()
    shown = []
    for finding in report.findings:
        seen[finding.kind] += 1
        if seen[finding.kind] <= limit:
            shown.append(finding)
    return shown


def _text(
    report: HealthReport, shown: Sequence[Finding], limit: int, written: dict[int, Path]
) -> str:
    people = output.counted(report.n_people, "person", "people")
    templates = output.counted(report.n_templates, "template")
    lines = [f"{people} with {templates}, threshold {report.threshold:.3f}."]
    if report.n_searches:
        lines.append(
            f"Each of {report.n_searches} templates left out and searched for: {report.n_found} "
            f"found, {report.n_wrong} wrongly named."
        )
    counts = Counter(finding.kind for finding in report.findings)
    for kind, count in counts.items():
        noun = _NOUNS[kind.value]
        many = "people at risk" if noun == "person at risk" else ""
        lines.append(f"\n{output.counted(count, noun, many).capitalize()}")
        for finding in shown:
            if finding.kind is kind:
                lines += _lines(finding, written)
        if count > limit:
            lines.append(f"  and {count - limit} more; --limit shows them")
    if not counts:
        lines.append("Nothing was found to be wrong.")
    return "\n".join([*lines, *_narrowest(report, limit)])


def _lines(finding: Finding, written: dict[int, Path]) -> list[str]:
    lines = [
        f"{finding.number:>4}  {sentence(finding)}",
        f"      {finding.action.command}",
        f"      {_consequence(finding)}",
    ]
    if finding.number in written:
        lines.append(f"      {written[finding.number]}")
    return lines


def _narrowest(report: HealthReport, limit: int) -> list[str]:
    rows: list[list[object]] = [
        [one.name, one.n_templates, one.lowest_own, one.highest_other, one.other]
        for one in report.people[:limit]
        if one.lowest_own is not None and one.highest_other is not None
    ]
    if not rows:
        return []
    columns = ["name", "templates", "lowest own", "highest of others", "whose"]
    return ["\nHighest stranger beside lowest own score", output.table(columns, rows)]


def _done(finding: Finding, *, refused: bool) -> str:
    undo = "facerec gallery undo takes this back."
    if refused:
        return f"Noted that it is not {finding.names[1]}; it is not proposed again. {undo}"
    return f"Done: {finding.action.command.removeprefix('facerec ')}. {undo}"


COMMANDS = (health,)
