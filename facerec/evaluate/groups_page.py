"""What a report says about false match rates by group."""

from __future__ import annotations

from collections.abc import Mapping

from facerec.evaluate.groups import GroupRate, Groups
from facerec.evaluate.pages import (
    DASH,
    INTERVAL_NOTE,
    Subject,
    counted,
    percent,
    target_percent,
    with_interval,
)
from facerec.evaluate.report import Failure, Headline, Page, Table
from facerec.zoo import OperatingPoint

FAILURE_POLICY = "No image is dropped: one without a face stays in all pairs and matches nobody."


def groups_page(
    subject: Subject,
    groups: Groups,
    sizes: Mapping[tuple[str, str], tuple[int, int]],
    point: OperatingPoint,
    remarks: str,
    failures: tuple[Failure, ...],
) -> Page:
    """Describe false match rates by group.

    Args:
        subject: what the report is about.
        groups: the rates.
        sizes: (attribute, group) -> images and how many have no face.
        point: the Threshold and what it was set at.
        remarks: which images were taken, in sentences.
        failures: images without a face.
    """
    attributes = dict.fromkeys(rate.attribute for rate in groups.rates)
    return Page(
        title=subject.title,
        subtitle=subject.subtitle,
        protocol=(
            f"Every two different images compared at the threshold {groups.threshold:.4f}, set at "
            f"FMR {target_percent(point.fmr)} on {point.dataset}. The images carry no names: two "
            "of one person count as a false match, so these rates are upper bounds. " + remarks
        ),
        headlines=(
            _headline(groups.overall, "every two images"),
            *(
                _headline(rate, f"{rate.attribute}: {rate.first}")
                for rate in groups.rates
                if rate.is_within
            ),
        ),
        plots=(),
        tables=(
            _size_table(sizes),
            *(_rate_table(attribute, groups) for attribute in attributes),
        ),
        sheets=(),
        failures=failures,
        failure_policy=FAILURE_POLICY,
        provenance=tuple(subject.provenance.items()),
    )


def _headline(rate: GroupRate, label: str) -> Headline:
    if rate.fmr is None:
        return Headline(f"FMR, {label}", DASH, "fewer than two images")
    low, high = percent(rate.fmr.low), percent(rate.fmr.high)
    detail = f"95 %: {low} to {high}; {counted(rate.fmr)} pairs"
    return Headline(f"FMR, {label}", percent(rate.fmr.value), detail)


def _size_table(sizes: Mapping[tuple[str, str], tuple[int, int]]) -> Table:
    rows = [
        (f"{attribute}: {name}", f"{n_images:,}", f"{n_failed:,}")
        for (attribute, name), (n_images, n_failed) in sizes.items()
    ]
    return Table("Images", ("group", "images", "without a face"), tuple(rows))


def _rate_table(attribute: str, groups: Groups) -> Table:
    rows = [
        (
            rate.first,
            "the same" if rate.is_within else rate.second,
            DASH if rate.fmr is None else with_interval(rate.fmr),
            DASH if rate.fmr is None else counted(rate.fmr),
        )
        for rate in groups.rates
        if rate.attribute == attribute
    ]
    return Table(
        f"False match rate by {attribute}",
        ("group", "compared with", "FMR", "false matches"),
        tuple(rows),
        INTERVAL_NOTE + "drawing images; without a single match, Wilson's over the images of the "
        "smaller group.",
    )
