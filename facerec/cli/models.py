"""``facerec models``: the model zoo from the command line."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import click

from facerec.cli import output
from facerec.cli.options import GALLERY, json_option, opened_gallery, setting_options, settings
from facerec.errors import FacerecError, NotFoundError

if TYPE_CHECKING:
    from facerec.config import Settings
    from facerec.services.gallery import OpenGallery
    from facerec.services.reindex import ReEmbedReport
    from facerec.services.use_model import ModelChange
    from facerec.zoo import ModelCard


@click.group()
def models() -> None:
    """List models, show a model's card, verify the files, choose one.

    Example: facerec models list
    """


@models.command("list")
@json_option
def list_command(*, as_json: bool) -> None:
    """List the models there are.

    Example: facerec models list
    """
    from facerec.zoo import list_models

    cards = list_models()
    in_use = _name_in_use()
    rows = [
        [
            card.name,
            card.task,
            card.embedding_dim or None,
            sum(file.bytes for file in card.files) / 1e6,
            card.licence,
            ", ".join(["default"] * card.default + ["in use"] * (card.name == in_use)),
        ]
        for card in cards
    ]
    text = output.table(["name", "task", "dimension", "MB", "licence", ""], rows)
    payload = {"models": [_card_payload(card) for card in cards], "in_use": in_use}
    output.emit(text, payload, as_json=as_json)


@models.command()
@click.argument("name")
@json_option
def info(name: str, *, as_json: bool) -> None:
    """Show the card of the model NAME.

    Example: facerec models info mtcnn
    """
    card = _card_named(name)
    payload = _card_payload(card)
    rows = [
        [key.replace("_", " "), value]
        for key, value in payload.items()
        if key not in {"thresholds", "files"} and value not in ("", None)
    ]
    text = output.table(["", card.name], rows)
    for point in card.thresholds:
        text += (
            f"\nthreshold {point.score:.4f}: false match rate {point.fmr:g}, from "
            f"{point.comparisons} comparisons of different people ({point.dataset}, {point.date})"
        )
    output.emit(text, payload, as_json=as_json)


@models.command()
@click.argument("names", nargs=-1)
@json_option
def verify(names: tuple[str, ...], *, as_json: bool) -> int:
    """Compare the model files with the digests on their cards; all models when none is NAMED.

    Example: facerec models verify
    """
    from facerec.zoo import list_models, verified_path

    cards = [_card_named(name) for name in names] if names else list(list_models())
    rows = []
    failures: list[FacerecError] = []
    for card in cards:
        for file in card.files:
            try:
                verified_path(card, file.file)
                rows.append([card.name, file.file, "ok"])
            except FacerecError as exc:
                failures.append(exc)
                rows.append([card.name, file.file, str(exc)])
    if not rows:
        raise NotFoundError("There are no models.", remedy="Install facerec again.")
    payload = {
        "files": [{"model": m, "file": f, "ok": r == "ok", "result": r} for m, f, r in rows],
        "ok": not failures,
    }
    output.emit(output.table(["model", "file", "result"], rows), payload, as_json=as_json)
    return 1 if failures else 0


@models.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@setting_options(*GALLERY, "runtime.device", "runtime.n_threads")
@json_option
def use(name: str, *, yes: bool, as_json: bool, **flags: object) -> None:
    """Use the model NAME from now on: embed the gallery again, then change the settings.

    When the gallery cannot be embedded again, everything stays as it was.

    Example: facerec models use lean --yes
    """
    from facerec.embed.base import open_embedder
    from facerec.services.use_model import make_change, plan_change

    if as_json and not yes:
        raise click.UsageError("Nothing can be asked with --json: give --yes.")
    current = settings(flags)
    with _gallery_if_there(current) as opened:
        change = plan_change(current, name, opened)
        embedder = open_embedder(
            name,
            device=current.runtime.device,
            n_threads=current.runtime.n_threads,
            mirror=current.embed.mirror,
        )
        if not as_json:
            output.line(_described(change))
        if not yes:
            output.confirm(f"Use {change.new_model} from now on?")
        with output.progress() as task:
            made = make_change(change, embedder, opened, task=task)
    text = f"{change.new_model} is in use{_embedded(made)}."
    output.emit(text, {"change": change, "re_embed": made}, as_json=as_json)


def _name_in_use() -> str | None:
    from facerec.zoo import find_model

    try:
        return find_model(settings({}).embed.model).name
    except NotFoundError:
        return None


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


def _embedded(made: ReEmbedReport | None) -> str:
    if made is None or made.n_embedded == 0:
        return ""
    return f"; {output.counted(made.n_embedded, 'template')} embedded again"


def _card_named(name: str) -> ModelCard:
    from facerec.zoo import find_model, list_models

    for card in list_models():
        if card.name == name:
            return card
    return find_model(name)


def _card_payload(card: ModelCard) -> dict[str, object]:
    payload = output.jsonable(card)
    if not isinstance(payload, dict):
        raise TypeError("A model card is a dataclass.")
    return payload
