"""``facerec calibrate``: the threshold for this gallery."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from facerec.cli import output
from facerec.cli.options import GALLERY, json_option, opened_gallery, setting_options, settings

if TYPE_CHECKING:
    from facerec.gallery.calibrations import Calibration

DEFAULT_ONE_IN = 1000


@click.command()
@click.option(
    "--one-in",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"At most one stranger in N is taken for somebody [default: {DEFAULT_ONE_IN}].",
)
@click.option("--fpir", type=float, metavar="RATE", help="The same as a rate, for example 0.001.")
@click.option("--dry-run", is_flag=True, help="Say it without storing it.")
@setting_options(*GALLERY)
@json_option
def calibrate(
    one_in: int | None, fpir: float | None, *, dry_run: bool, as_json: bool, **flags: object
) -> None:
    """Set the threshold for at most one false alarm in N strangers.

    A false alarm is a stranger who is taken for somebody.

    Measured are the gallery's own people, each searching among the others as a stranger would;
    where they are too few for that, the reference of the model comes in. The threshold is kept in
    the gallery and used there from then on; --threshold and --fmr still come first. Calibrate again
    when people were added.

    Example: facerec calibrate --one-in 1000
    """
    from facerec.services.calibrate import calibrate_gallery

    if one_in is not None and fpir is not None:
        raise click.UsageError("Give --one-in or --fpir, not both.")
    rate = fpir if fpir is not None else 1.0 / (one_in or DEFAULT_ONE_IN)
    with opened_gallery(settings(flags)) as gallery:
        found = calibrate_gallery(gallery, rate, store=not dry_run)
    lines = [*_promise(found), _cost(found), *_data(found)]
    lines.append("Not stored." if dry_run else "Stored: decisions in this gallery use it.")
    payload = {"calibration": found, "stored": not dry_run}
    output.emit("\n".join(lines), payload, as_json=as_json)


def _promise(found: Calibration) -> list[str]:
    size = (
        f"{output.counted(found.n_people, 'person', 'people')} with "
        f"{output.counted(found.n_templates, 'template')}"
    )
    bound = (
        f"At most {_percent(found.requested_fpir)} of strangers (one in "
        f"{round(1 / found.requested_fpir):,}) are taken for somebody, with 95 % confidence; "
        f"expected are {_percent(found.fpir)}, and with 95 % confidence no fewer than "
        f"{_percent(found.fpir_low)}."
    )
    interval = (
        f"The threshold at which just so many would be lies between {found.threshold_low:.3f} and "
        f"{found.threshold:.3f}, most likely at {found.expected_threshold:.3f}."
    )
    return [f"Threshold {found.threshold:.3f} for this gallery of {size}.", bound, interval]


def _cost(found: Calibration) -> str:
    if found.fnir is None or found.fnir_low is None or found.fnir_high is None:
        return "What it costs cannot be said: nobody has two templates, one to search for another."
    searches = output.counted(found.fnir_searches, "search", "searches")
    people = output.counted(found.fnir_people, "person", "people")
    return (
        f"Cost: {_percent(found.fnir)} ({_percent(found.fnir_low)} to {_percent(found.fnir_high)}) "
        f"of searches for enrolled people find nobody or another: {searches}, leaving out one "
        f"template at a time, of {people} with two or more."
    )


def _data(found: Calibration) -> list[str]:
    said = (
        f"Measured on {found.data}: {found.data_people:,} people, "
        f"{found.data_comparisons:,} comparisons."
    )
    if found.origin == "own":
        return [said]
    caution = (
        "The bound holds as far as your pictures are like those; with three people for each "
        "stranger in the rate, and 100 at least, the gallery is measured by itself."
    )
    return [said, caution]


def _percent(rate: float) -> str:
    return f"{rate * 100:.2g} %"
