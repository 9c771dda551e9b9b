"""``facerec evaluate``: error rates on labelled images, with a report."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from facerec.cli import output
from facerec.cli.options import DETECTION, json_option, setting_options, settings

if TYPE_CHECKING:
    from facerec.services.evaluate import EvaluateOptions, Evaluation

F = TypeVar("F", bound=Callable[..., Any])

# The settings' word for "ask the user" has no place here: a policy chooses without asking.
FACES = ("central", "largest", "certain")
# (as facerec.evaluate.several has them; imported by the service alone)
CROP_COUNTS = (1, 5, 9)


def _shared_options(function: F) -> F:
    """Add what all protocols take."""
    for option in reversed(
        [
            click.option(
                "--out",
                type=click.Path(path_type=Path, file_okay=False),
                metavar="DIR",
                help="Folder for report.html and report.json [default: facerec-report/<what>].",
            ),
            click.option(
                "--faces",
                type=click.Choice(FACES),
                default="central",
                show_default=True,
                help="Which face counts where an image shows several.",
            ),
            click.option(
                "--mirror/--no-mirror",
                default=None,
                help="Measure with mirror averaging (lfw and pairs: beside the plain figures).",
            ),
            click.option(
                "--no-images", is_flag=True, help="Leave people's images out of the report."
            ),
            click.option(
                "--scores", is_flag=True, help="Write the single scores to scores.csv too."
            ),
            click.option(
                "--cache",
                is_flag=True,
                help="Keep the images' vectors in the cache folder, for a quick second run.",
            ),
            setting_options(*DETECTION),
            json_option,
        ]
    ):
        function = option(function)
    return function


def _pairs_options(function: F) -> F:
    """Add what buys accuracy with time, for the protocols over lists of pairs."""
    for option in (
        click.option(
            "--crops",
            type=click.Choice([str(count) for count in CROP_COUNTS]),
            default="1",
            show_default=True,
            help="Measure with the vectors of so many shifted crops summed, too.",
        ),
        click.option(
            "--model",
            "models",
            multiple=True,
            metavar="NAME",
            help="Recognition model; given again: more networks, measured alone and together.",
        ),
    ):
        function = option(function)
    return function


@click.group()
def evaluate() -> None:
    """Measure error rates on labelled images.

    Example: facerec evaluate lfw --data lfw
    """


command = evaluate


@evaluate.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder with pairs.txt beside the people's folders or images/ [default: FACEREC_LFW].",
)
@_pairs_options
@_shared_options
def lfw(data: Path | None, **given: Any) -> None:  # noqa: ANN401  (options, read in one place)
    """Measure verification on Labeled Faces in the Wild, View 2.

    Ten folds in file order; the threshold of each comes from the other nine. Pairs in which no face
    is found count as errors and are listed. What mirror averaging, --crops and further models buy
    and cost stands beside the plain figure.

    Example: facerec evaluate lfw --data lfw --out report
    """
    from facerec.services.evaluate import evaluate_lfw

    with output.progress() as task:
        result = evaluate_lfw(data, _options(given, mirror=True), now=_now(), task=task)
    _answer(result, given, "lfw")


@evaluate.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of the images [default: the list's own].",
)
@_pairs_options
@_shared_options
def pairs(file: Path, data: Path | None, **given: Any) -> None:  # noqa: ANN401  (as above)
    """Measure verification on the pairs of FILE.

    FILE is a list in LFW's format, or CSV with the header `a,b,same` (and perhaps `fold`): two
    images relative to the folder of the images, and 1 for the same person or 0 for different ones.
    Or a verification set of InsightFace (.bin): its crops are aligned, and embedded as they are.

    Example: facerec evaluate pairs pairs.csv --data photos
    """
    from facerec.services.evaluate import evaluate_pairs

    with output.progress() as task:
        result = evaluate_pairs(file, data, _options(given, mirror=True), now=_now(), task=task)
    _answer(result, given, file.stem)


@evaluate.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--enrol",
    type=click.IntRange(min=1),
    metavar="N",
    help="How many people to enrol [default: half of those with images to spare].",
)
@click.option(
    "--images-each",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Images to enrol of each person.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Decides who is enrolled.")
@setting_options("embed.model")
@_shared_options
def folder(
    folder: Path,
    enrol: int | None,
    images_each: int,
    seed: int,
    **given: Any,  # noqa: ANN401  (as above)
) -> None:
    """Measure identification and all pairs on FOLDER, one subfolder of images per person.

    Some people are enrolled and searched for with their other images; everybody else searches as a
    stranger.

    Example: facerec evaluate folder photos --enrol 500 --seed 0
    """
    from facerec.services.evaluate import evaluate_people

    with output.progress() as task:
        result = evaluate_people(
            folder,
            _options(given, mirror=False),
            now=_now(),
            n_enrol=enrol,
            images_each=images_each,
            seed=seed,
            task=task,
        )
    _answer(result, given, folder.resolve().name)


@evaluate.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--only",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Text file with the names of the images to take: those the model was not trained on.",
)
@click.option(
    "--min-age", type=click.IntRange(min=0), default=0, help="Leave people younger than this out."
)
@click.option("--aligned", is_flag=True, help="The images are aligned crops (facerec align).")
@click.option(
    "--fmr",
    type=float,
    metavar="RATE",
    help="Use the model's threshold for at most this false match rate [default: its first].",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the bootstrap.")
@setting_options("embed.model")
@_shared_options
def groups(
    folder: Path,
    only: Path | None,
    min_age: int,
    aligned: bool,
    fmr: float | None,
    seed: int,
    **given: Any,  # noqa: ANN401  (as above)
) -> None:
    """Measure false matches by age, sex and ethnicity on FOLDER, images named as UTKFace's.

    Names are age_sex_ethnicity_date. Every two different images are compared, within groups and
    between them, with intervals that draw images.

    Example: facerec evaluate groups utkface --only untouched.txt --min-age 18
    """
    from facerec.services.evaluate_groups import evaluate_groups

    with output.progress() as task:
        result = evaluate_groups(
            folder,
            _options(given, mirror=False),
            now=_now(),
            only=only,
            min_age=min_age,
            are_crops=aligned,
            fmr=fmr,
            seed=seed,
            task=task,
        )
    _answer(result, given, folder.resolve().name)


def _options(given: dict[str, Any], *, mirror: bool) -> EvaluateOptions:
    from facerec.detect.base import PrimaryPolicy
    from facerec.services.evaluate import EvaluateOptions

    current = settings({name: value for name, value in given.items() if "__" in name})
    model, *more = dict.fromkeys(given.get("models") or (current.embed.model,))
    return EvaluateOptions(
        model=model,
        more_models=tuple(more),
        n_crops=int(given.get("crops", 1)),
        detector=current.detect.detector,
        device=current.runtime.device,
        n_threads=current.runtime.n_threads,
        min_face_px=current.detect.min_face_px,
        policy=PrimaryPolicy(given["faces"]),
        mirror=mirror if given["mirror"] is None else given["mirror"],
        use_cache=given["cache"],
        with_images=not given["no_images"],
        command=shlex.join(["facerec", *sys.argv[1:]]),
    )


def _answer(result: Evaluation, given: dict[str, Any], what: str) -> None:
    from facerec.evaluate.report import write_report

    out: Path = given["out"] or Path("facerec-report") / what
    written = write_report(
        out, result.page, result.payload, result.scores if given["scores"] else None
    )
    page = result.page
    lines = [f"{page.title}: {page.subtitle}", page.protocol, ""]
    rows = [[one.label, one.value, one.detail] for one in page.headlines]
    lines += [output.table(["", "", ""], rows).lstrip("\n"), ""]
    if page.failures:
        lines.append(f"Failures to acquire: {len(page.failures)}. {page.failure_policy}")
        lines += [f"  {failure.name}: {failure.reason}" for failure in page.failures]
    lines.append(f"Report: {written.html}")
    payload = {key: value for key, value in result.payload.items() if key != "curve"}
    payload["report"] = {"html": written.html, "json": written.json, "csv": written.csv}
    output.emit("\n".join(lines), payload, as_json=given["as_json"])


def _now() -> datetime:
    return datetime.now(UTC)
