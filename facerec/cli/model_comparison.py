"""Two models side by side, laid out for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.cli import output

if TYPE_CHECKING:
    from facerec.evaluate.error_rates import Estimate
    from facerec.services.compare_models import Comparison, Side

_N_NAMES = 10


def compared(found: Comparison) -> str:
    """Lay out a comparison for people."""
    old, new = found.old, found.new
    rows = [
        ["threshold", *(f"{side.threshold:.4f} ({_origin(side)})" for side in (old, new))],
        ["searches that miss (FNIR)", *(_rate(side.fnir) for side in (old, new))],
        ["own people as strangers (FPIR)", *(_rate(side.fpir) for side in (old, new))],
        ["strangers of the reference (FPIR)", *(_expected(side) for side in (old, new))],
    ]
    people = output.counted(found.n_people, "person", "people")
    lines = [
        f"Side by side on {people} with {output.counted(found.n_templates, 'template')}:",
        output.table(["", f"now: {old.model}", f"then: {new.model}"], rows),
        *_named("Found before and not any more", found.lost),
        *_named("Found now and not before", found.gained),
        *_named("Without a vector of the new model", found.without),
    ]
    if found.drops:
        drops = (f"{one.name} ({one.before:+.2f} to {one.after:+.2f})" for one in found.drops)
        lines.append(f"Largest falls of the lead over what is needed: {', '.join(drops)}.")
    verdict = {"accept": "Accept it", "decide": "Decide yourself", "keep": "Keep the old model"}
    lines.append(f"{verdict[found.advice]}: {found.reason}.")
    return "\n".join(lines)


def _origin(side: Side) -> str:
    return {"own": "your own", "calibrated": "calibrated", "card": "its card's"}[side.origin]


def _rate(rate: Estimate | None) -> str:
    return "-" if rate is None else f"{rate.value:.2%} ({rate.low:.2%} to {rate.high:.2%})"


def _expected(side: Side) -> str:
    return "-" if side.reference_fpir is None else f"{side.reference_fpir:.2%}"


def _named(what: str, names: tuple[str, ...]) -> list[str]:
    if not names:
        return []
    more = f" and {len(names) - _N_NAMES} others" if len(names) > _N_NAMES else ""
    return [f"{what} ({len(names)}): {', '.join(names[:_N_NAMES])}{more}."]
