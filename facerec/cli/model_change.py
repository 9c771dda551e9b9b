"""``facerec models use`` and what belongs to it: prepare, compare, accept, go back."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli import output
from facerec.cli.model_comparison import compared
from facerec.cli.options import GALLERY, json_option, opened_gallery, setting_options, settings
from facerec.errors import FacerecError, NotFoundError

if TYPE_CHECKING:
    from facerec.config import Settings
    from facerec.embed.base import Embedder
    from facerec.services.change_model import ChangeStatus, Served
    from facerec.services.compare_models import Comparison
    from facerec.services.embed_stored import Originals
    from facerec.services.gallery import OpenGallery
    from facerec.services.use_model import ModelChange

ANSWERED_NO = 3
_RUNTIME = ("runtime.device", "runtime.n_threads")
_options = setting_options(*GALLERY, "store.keep_days", *_RUNTIME)
_leave_out = click.option(
    "--leave-out",
    is_flag=True,
    help="Keep templates the model cannot embed, but compare them no more.",
)


@click.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask, unless people would be lost.")
@click.option("--prepare-only", is_flag=True, help="Embed and compare; accept it later.")
@click.option(
    "--originals",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder with the pictures people were enrolled from; faces are cut from them anew.",
)
@_leave_out
@_options
@json_option
def use(
    name: str,
    *,
    yes: bool,
    prepare_only: bool,
    originals: Path | None,
    leave_out: bool,
    as_json: bool,
    **flags: object,
) -> int:
    """Use the model NAME from now on: embed the gallery again, compare, then change over.

    The old model serves until the new one is accepted. Broken off at any time, the same command
    goes on where it was. facerec models rollback goes back.

    Example: facerec models use lean --yes
    """
    from facerec.services.use_model import make_change, plan_change, prepare_change

    if as_json and not (yes or prepare_only):
        raise click.UsageError("Nothing can be asked with --json: give --yes or --prepare-only.")
    current = settings(flags)
    with _gallery_if_there(current) as opened:
        change = plan_change(current, name, opened)
        embedder = _embedder(name, current, mirror=current.embed.mirror)
        if not as_json:
            output.line(_described(change))
        _allow_forgetting(opened, change, ask=not (yes or as_json))
        with output.progress() as task:
            pictures = _originals(originals, current)
            status = prepare_change(change, embedder, opened, originals=pictures, task=task)
        comparison = None if opened is None else _comparison(opened, change, current)
        if comparison is not None and not as_json:
            output.line(compared(comparison))
        payload = {"change": change, "status": status, "comparison": comparison}
        if prepare_only or (yes and _advises_against(comparison)):
            text = _not_yet(change.new_model, status)
            output.emit(text, {**payload, "served": None, "accepted": False}, as_json=as_json)
            return 0 if prepare_only else ANSWERED_NO
        if not yes:
            output.confirm(f"Use {change.new_model} from now on?")
        with output.progress() as task:
            served = make_change(change, embedder, opened, leave_out=leave_out, task=task)
    text = f"{change.new_model} is in use{_embedded(served)}."
    output.emit(text, {**payload, "served": served, "accepted": True}, as_json=as_json)
    return 0


@click.command()
@setting_options(*GALLERY, "store.keep_days")
@json_option
def status(*, as_json: bool, **flags: object) -> None:
    """Say how far a change of model is, and which templates could not be embedded.

    Example: facerec models status
    """
    from facerec.services.change_model import change_status

    with opened_gallery(settings(flags)) as opened:
        found = change_status(opened)
    text = "No other model is prepared, and none is kept to go back to."
    if found is not None:
        text = "\n".join(_told(found))
    output.emit(text, {"status": found}, as_json=as_json)


@click.command("compare-gallery")
@setting_options(*GALLERY)
@json_option
def compare_gallery(*, as_json: bool, **flags: object) -> None:
    """Compare both models of a change on the gallery's own people.

    Example: facerec models compare-gallery
    """
    from facerec.services.change_model import require_change
    from facerec.services.compare_models import compare_models

    current = settings(flags)
    with opened_gallery(current) as opened:
        change = require_change(opened).change
        comparison = compare_models(opened, change, current.match)
    output.emit(compared(comparison), {"comparison": comparison}, as_json=as_json)


@click.command()
@_leave_out
@_options
@json_option
def accept(*, leave_out: bool, as_json: bool, **flags: object) -> None:
    """Let the prepared model serve.

    Example: facerec models accept
    """
    _serve(settings(flags), back=False, leave_out=leave_out, as_json=as_json)


@click.command()
@_leave_out
@_options
@json_option
def rollback(*, leave_out: bool, as_json: bool, **flags: object) -> None:
    """Go back to the model that served before, in one step.

    People enrolled meanwhile are embedded with it first.

    Example: facerec models rollback
    """
    _serve(settings(flags), back=True, leave_out=leave_out, as_json=as_json)


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@setting_options(*GALLERY, "store.keep_days")
@json_option
def forget(*, yes: bool, as_json: bool, **flags: object) -> None:
    """Forget the vectors that do not serve: prepared ones, or those kept to go back to.

    Example: facerec models forget --yes
    """
    from facerec.services.change_model import forget as forget_change
    from facerec.services.change_model import require_change

    with opened_gallery(settings(flags)) as opened:
        change = require_change(opened).change
        other = change.old_model if change.is_accepted else change.new_model
        if not yes:
            output.confirm(f"Forget the vectors of {other}? They can only be made anew.")
        forget_change(opened)
    output.emit(f"The vectors of {other} are forgotten.", {"change": change}, as_json=as_json)


COMMANDS = (use, status, compare_gallery, accept, rollback, forget)


def _serve(current: Settings, *, back: bool, leave_out: bool, as_json: bool) -> None:
    from facerec.services import change_model
    from facerec.services.use_model import MIRROR_KEY, settings_of

    with opened_gallery(current) as opened, output.progress() as task:
        change = change_model.require_change(opened).change
        name = change.old_model if back else change.new_model
        contract_id = change.old_contract_id if back else change.new_contract_id
        said = settings_of(name, contract_id, current)
        mirror = bool(said.get(MIRROR_KEY, current.embed.mirror))
        embedder = _embedder(name, current, mirror=mirror)
        served = change_model.accept(opened, embedder, said, leave_out=leave_out, task=task)
    text = f"{name} is in use{_embedded(served)}."
    output.emit(text, {"served": served}, as_json=as_json)


def _embedder(name: str, current: Settings, *, mirror: bool) -> Embedder:
    from facerec.embed.base import open_embedder

    runtime = current.runtime
    return open_embedder(name, device=runtime.device, n_threads=runtime.n_threads, mirror=mirror)


def _originals(folder: Path | None, current: Settings) -> Originals | None:
    if folder is None:
        return None
    import facerec.detect.mtcnn  # noqa: F401  (enters itself into the registry)
    from facerec.detect.base import DETECTORS
    from facerec.services.embed_stored import Originals

    detector = DETECTORS.get(current.detect.detector)(
        device=current.runtime.device,
        n_threads=current.runtime.n_threads,
        min_face_px=current.detect.min_face_px,
    )
    return Originals(folder, detector)


def _allow_forgetting(opened: OpenGallery | None, change: ModelChange, *, ask: bool) -> None:
    """Say that a third model takes the place of what is kept of another one."""
    from facerec.services.change_model import change_status

    found = None if opened is None else change_status(opened)
    if found is None:
        return
    kept = found.change
    if change.new_contract_id in (kept.old_contract_id, kept.new_contract_id):
        return
    other = kept.old_model if kept.is_accepted else kept.new_model
    sentence = f"Preparing {change.new_model} forgets the vectors of {other}"
    if ask:
        output.confirm(f"{sentence}. Go on?")
    else:
        output.remark(f"{sentence}.")


def _comparison(opened: OpenGallery, change: ModelChange, current: Settings) -> Comparison | None:
    """Compare, unless nothing is prepared, or the change goes back, or the old card is gone."""
    from facerec.services.change_model import change_status
    from facerec.services.compare_models import compare_models

    found = change_status(opened)
    if found is None or found.change.new_contract_id != change.new_contract_id:
        return None
    try:
        return compare_models(opened, found.change, current.match)
    except FacerecError as error:
        output.remark(f"Not compared: {error.message}")
        return None


def _advises_against(comparison: Comparison | None) -> bool:
    return comparison is not None and comparison.advice == "keep" and not comparison.without


def _gallery_if_there(current: Settings) -> AbstractContextManager[OpenGallery | None]:
    try:
        return opened_gallery(current)
    except NotFoundError:
        return nullcontext()


def _described(change: ModelChange) -> str:
    old, new = change.old_rule, change.new_rule
    rows = [
        ["model", change.old_model, change.new_model],
        ["contract", change.old_contract_id or "-", change.new_contract_id],
        ["threshold", f"{old.threshold:.4f}" if old else "-", f"{new.threshold:.4f}"],
    ]
    lines = [
        output.table(["", "now", "then"], rows),
        f"Licence of {change.new_model}: {change.licence}.",
        f"Templates to embed again from their stored crops: {change.n_to_embed}.",
    ]
    if change.keeps_own_threshold:
        lines.append(
            "Your own threshold (match.threshold) stays; it was not chosen for this model."
        )
    return "\n".join(lines)


def _not_yet(model: str, status: ChangeStatus | None) -> str:
    if status is None:
        return f"Nothing is to be prepared for {model}."
    failures = "".join(f"\n{line}" for line in _failures(status))
    return f"{model} is prepared and not in use; facerec models accept changes over.{failures}"


def _told(found: ChangeStatus) -> list[str]:
    change, progress = found.change, found.progress
    if change.is_accepted:
        until = f" until {found.keeps_until:%Y-%m-%d}" if found.keeps_until else ""
        first = f"{change.new_model} serves; facerec models rollback goes back to "
        first += f"{change.old_model}{until}."
    elif found.is_ready:
        first = f"{change.new_model} is prepared; {change.old_model} serves. facerec models "
        first += "compare-gallery compares, facerec models accept changes over."
    else:
        first = f"{change.new_model} is being prepared; {change.old_model} serves. "
        first += f"To go on: facerec models use {change.new_model}."
    second = f"Templates embedded with {change.new_model}: {progress.n_ready} of "
    second += f"{progress.n_templates}, begun {change.started_at:%Y-%m-%d %H:%M} UTC."
    return [first, second, *_failures(found)]


def _failures(found: ChangeStatus) -> list[str]:
    lines = [
        f"Template {one.template_id} of {one.person}, {one.source_name}: {one.reason}"
        for one in found.failures
    ]
    return [f"Cannot be embedded: {len(lines)}.", *lines] if lines else []


def _embedded(served: Served | None) -> str:
    if served is None:
        return ""
    left_out = f", {len(served.left_out)} left out" if served.left_out else ""
    return f" with {output.counted(served.n_templates, 'template')}{left_out}"
