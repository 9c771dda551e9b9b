"""Put another network into use: the gallery's vectors and the setting change, or neither does.

The vectors are prepared first, beside those that serve; see ``change_model``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from facerec.config import MatchSettings, Settings
from facerec.embed.base import Embedder
from facerec.errors import ConfigError, FacerecError, NotFoundError
from facerec.gallery.session import gallery_state
from facerec.gallery.spare_vectors import progress_of
from facerec.gallery.templates import count_templates
from facerec.match.rule import MatchRule, rule_from_card
from facerec.paths import config_file
from facerec.progress import Task
from facerec.services.change_model import (
    ChangeStatus,
    Served,
    accept,
    begin,
    change_status,
    prepare,
)
from facerec.services.compare_models import card_of_contract
from facerec.services.embed_stored import Originals
from facerec.services.gallery import OpenGallery
from facerec.services.reindex import re_embed
from facerec.settings_file import changed_settings, require_file_decides
from facerec.zoo import ModelCard, find_model

MODEL_KEY = "embed.model"
MIRROR_KEY = "embed.mirror"


@dataclass(frozen=True, slots=True)
class ModelChange:
    """What putting another network into use changes.

    Attributes:
        setting: the new value of ``embed.model``.
        old_model: the network in use; what the settings say, where there is none of that name.
        new_model: the network from now on.
        old_contract_id: what the gallery is compared under, or else the old network's; None where
            neither is known.
        new_contract_id: of the new network.
        old_rule: when a Score was enough; None where that is not known.
        new_rule: when a Score is enough.
        gallery_model: whose vectors the gallery compares, as far as that model is here.
        n_to_embed: Templates without a vector of the new network.
        licence: of the new network.
        settings_file: where the setting stands.
    """

    setting: str
    old_model: str
    new_model: str
    old_contract_id: str | None
    new_contract_id: str
    old_rule: MatchRule | None
    new_rule: MatchRule
    gallery_model: str
    n_to_embed: int
    licence: str
    settings_file: Path

    @property
    def keeps_own_threshold(self) -> bool:
        """Whether the user's own Threshold, chosen for the old network, stays in force."""
        return self.new_rule.fmr is None


def plan_change(settings: Settings, name: str, gallery: OpenGallery | None) -> ModelChange:
    """Find out what would change.

    Args:
        settings: in force.
        name: of a network of the zoo, or ``default``.
        gallery: whose vectors go along; None where there is none.

    Raises:
        NotFoundError: there is no such network, or its card has no threshold as strict as
            ``match.fmr``.
        RangeError: its card has no threshold, and the settings have none.
        ConfigError: it is in use already, or the environment decides what is.
    """
    card = find_model(name)
    require_file_decides(MODEL_KEY)
    old = _card_in_use(settings)
    new_id = card.contract(mirror=settings.embed.mirror).id
    vectors = _vectors(gallery, new_id)
    if old == card and vectors.n_others == 0:
        raise ConfigError(
            f"The model {card.name} is in use already.",
            remedy="`facerec models list` shows the others.",
        )
    old_id = old.contract(mirror=settings.embed.mirror).id if old else None
    return ModelChange(
        setting=name,
        old_model=old.name if old else settings.embed.model,
        new_model=card.name,
        old_contract_id=vectors.contract_id or old_id,
        new_contract_id=new_id,
        old_rule=_old_rule(old, settings.match),
        new_rule=_rule(card, settings.match),
        gallery_model=_model_of(vectors.contract_id, settings),
        n_to_embed=vectors.n_to_embed,
        licence=card.licence,
        settings_file=config_file(),
    )


def prepare_change(
    change: ModelChange,
    embedder: Embedder,
    gallery: OpenGallery | None,
    *,
    originals: Originals | None = None,
    task: Task | None = None,
) -> ChangeStatus | None:
    """Embed the gallery beside what serves, or go on with that.

    Args:
        change: from ``plan_change``.
        embedder: the new network.
        gallery: as there.
        originals: see ``change_model.prepare``.
        task: receives progress.

    Returns:
        How far it is; None where nothing needs to be prepared.

    Raises:
        Cancelled: the user stopped; what was done is kept.
        StoreError: the gallery cannot be written; what was done is kept.
    """
    if gallery is None or gallery.state().contract_id is None:
        return None
    begin(gallery, change.gallery_model, change.new_model, change.new_contract_id)
    if change_status(gallery) is None:
        return None
    prepare(gallery, embedder, originals=originals, task=task)
    return change_status(gallery)


def make_change(
    change: ModelChange,
    embedder: Embedder,
    gallery: OpenGallery | None,
    *,
    leave_out: bool = False,
    task: Task | None = None,
) -> Served | None:
    """Let the network serve, and write the setting.

    Killed between the two, the gallery serves with the new network and the settings name the old
    one: the same change, made again, ends it.

    Args:
        change: from ``plan_change``.
        embedder: the new network.
        gallery: as there.
        leave_out: Templates that cannot be embedded are not compared any more.
        task: receives progress.

    Returns:
        What serves; None without people.

    Raises:
        GalleryError: a Template cannot be embedded and ``leave_out`` is false.
        StoreError: the gallery cannot be written.
        ConfigError: the settings file cannot be written. In every case what served goes on to.
    """
    settings = {MODEL_KEY: change.setting}
    status = None if gallery is None else change_status(gallery)
    if gallery is not None and status is not None:
        return accept(gallery, embedder, settings, leave_out=leave_out, task=task)
    with changed_settings(settings):
        if gallery is None or gallery.state().contract_id is None:
            return None
        # The gallery's contract is the new one already, though not of every Template.
        made = re_embed(gallery, embedder, all_or_none=not leave_out, task=task)
        return Served(change.new_model, made.n_embedded + made.n_up_to_date, ())


def needs_change(gallery: OpenGallery, name: str, *, mirror: bool) -> bool:
    """Say whether people are enrolled whose vectors a network does not compare.

    Args:
        gallery: with them.
        name: of the network.
        mirror: the setting ``embed.mirror``.

    Raises:
        NotFoundError: there is no such network.
    """
    serving = gallery.state().contract_id
    return serving not in (None, find_model(name).contract(mirror=mirror).id)


def settings_of(model: str, contract_id: str, current: Settings) -> dict[str, object]:
    """Return the settings under which a model makes Embeddings of a contract.

    Args:
        model: its name.
        contract_id: of the Embeddings.
        current: in force; what they say already is left out, but for the name.

    Raises:
        NotFoundError: there is no such model, or it is another one of that name.
        ConfigError: the environment decides which model is in use.
    """
    require_file_decides(MODEL_KEY)
    card = find_model(model)
    for mirror in (False, True):
        if card.contract(mirror=mirror).id == contract_id:
            said: dict[str, object] = {MODEL_KEY: model}
            return said if mirror == current.embed.mirror else {**said, MIRROR_KEY: mirror}
    raise NotFoundError(
        f"The model {model} is another one now than when the gallery was embedded with it.",
        remedy="Embed the gallery with it anew: facerec models use NAME.",
    )


def _card_in_use(settings: Settings) -> ModelCard | None:
    try:
        return find_model(settings.embed.model)
    except NotFoundError:  # (a network that was removed; another one is the way out)
        return None


@dataclass(frozen=True, slots=True)
class _Vectors:
    """The gallery's contract, and Templates compared under another one, or without any of it."""

    contract_id: str | None
    n_others: int
    n_to_embed: int


def _vectors(gallery: OpenGallery | None, contract_id: str) -> _Vectors:
    if gallery is None:
        return _Vectors(None, 0, 0)
    with gallery.store.read() as session:
        n_fitting = count_templates(session, contract_id=contract_id)
        progress = progress_of(session, contract_id)
        return _Vectors(
            gallery_state(session).contract_id,
            progress.n_templates - n_fitting,
            progress.n_templates - progress.n_ready,
        )


def _model_of(contract_id: str | None, settings: Settings) -> str:
    card = card_of_contract(contract_id) if contract_id else None
    return card.name if card else settings.embed.model


def _rule(card: ModelCard, match: MatchSettings) -> MatchRule:
    return rule_from_card(
        card,
        threshold=match.threshold,
        fmr=match.fmr,
        required_margin=match.required_margin,
    )


def _old_rule(card: ModelCard | None, match: MatchSettings) -> MatchRule | None:
    try:
        return _rule(card, match) if card else None
    except FacerecError:  # (its card has no such threshold; only the new one's matters)
        return None
