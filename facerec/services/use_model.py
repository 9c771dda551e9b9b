"""Put another network into use: the gallery's vectors and the setting change, or neither does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from facerec.config import MatchSettings, Settings
from facerec.embed.base import Embedder
from facerec.errors import ConfigError, FacerecError, NotFoundError
from facerec.gallery.session import gallery_state
from facerec.gallery.templates import count_templates
from facerec.match.rule import MatchRule, rule_from_card
from facerec.paths import config_file
from facerec.progress import Task
from facerec.services.gallery import OpenGallery
from facerec.services.reindex import ReEmbedReport, re_embed
from facerec.settings_file import changed_settings, require_file_decides
from facerec.zoo import ModelCard, find_model

MODEL_KEY = "embed.model"


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
        n_to_embed: Templates of other contracts.
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
    gallery_id, n_to_embed = _vectors(gallery, new_id)
    if old == card and n_to_embed == 0:
        raise ConfigError(
            f"The model {card.name} is in use already.",
            remedy="`facerec models list` shows the others.",
        )
    old_id = old.contract(mirror=settings.embed.mirror).id if old else None
    return ModelChange(
        setting=name,
        old_model=old.name if old else settings.embed.model,
        new_model=card.name,
        old_contract_id=gallery_id or old_id,
        new_contract_id=new_id,
        old_rule=_old_rule(old, settings.match),
        new_rule=_rule(card, settings.match),
        n_to_embed=n_to_embed,
        licence=card.licence,
        settings_file=config_file(),
    )


def make_change(
    change: ModelChange,
    embedder: Embedder,
    gallery: OpenGallery | None,
    *,
    task: Task | None = None,
) -> ReEmbedReport | None:
    """Embed the gallery again, then write the setting.

    Killed between the two, the gallery has the new vectors and the settings name the old network:
    the same change, made again, ends it.

    Args:
        change: from ``plan_change``.
        embedder: the new network.
        gallery: as there.
        task: receives progress.

    Returns:
        What was embedded; None without a gallery.

    Raises:
        GalleryError: a Template cannot be embedded again; nothing was changed.
        StoreError: the gallery cannot be written; nothing was changed.
        ConfigError: the settings file cannot be written.
        Cancelled: the user stopped; nothing was changed.
    """
    with changed_settings({MODEL_KEY: change.setting}):
        if gallery is None:
            return None
        return re_embed(gallery, embedder, all_or_none=True, task=task)


def _card_in_use(settings: Settings) -> ModelCard | None:
    try:
        return find_model(settings.embed.model)
    except NotFoundError:  # (a network that was removed; another one is the way out)
        return None


def _vectors(gallery: OpenGallery | None, contract_id: str) -> tuple[str | None, int]:
    """Return the gallery's contract id, and how many Templates are of another than this one."""
    if gallery is None:
        return None, 0
    with gallery.store.read() as session:
        n_fitting = count_templates(session, contract_id=contract_id)
        return gallery_state(session).contract_id, count_templates(session) - n_fitting


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
