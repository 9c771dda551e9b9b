"""Random work on a gallery, each operation named, and a plain model of what they come to.

An operation is a list that JSON can carry. ``Worker`` does it to a real gallery, ``Model`` to
dictionaries; after any number of them both hold the same, or something was lost or half done.
"""

from __future__ import annotations

import copy
import random
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
from sqlalchemy.orm import Session

from facerec.gallery.backends.sqlite import pragma_value
from facerec.gallery.crops import crop_from_png
from facerec.gallery.templates import (
    TemplateVectors,
    crop_pngs,
    embedding_of,
    list_templates,
)
from facerec.match.rule import MatchRule
from facerec.pipeline import Pipeline
from facerec.services import people, steps
from facerec.services.backup import back_up, verify_backup
from facerec.services.enroll import EnrollOptions, enroll
from facerec.services.erase import erase
from facerec.services.gallery import OpenGallery
from facerec.services.reindex import re_embed
from facerec.services.restore import restore
from facerec.services.source import pixel_digest
from tests.helpers.fakes import FakeDetector, FakeEmbedder, fake_photo

CONTRACTS = ("fa4e000000000000", "fa4e000000000009")
N_NAMES, MAX_TEMPLATES = 12, 30
_RULE, _ANYTHING = MatchRule(0.9), EnrollOptions(allow_conflict=True)
# What is in a gallery: name -> digest of an image -> (contract, whether it is set aside).
People = dict[str, dict[str, tuple[str, bool]]]
Operation = list[object]


@cache
def photo(shot: int) -> np.ndarray:
    return fake_photo(shot % 7, shot, size=112)


@cache
def digest(shot: int) -> str:
    return pixel_digest(photo(shot))


@dataclass
class Model:
    """What a gallery should hold.

    Attributes:
        contract: the gallery's; None while it is empty.
        past: what it held before each step that can be undone.
        future: what it held before each undo that can be redone.
        backups: what it held at each backup.
        thinned: backups from before an erasure, which reached them, too.
    """

    people: People = field(default_factory=dict)
    contract: str | None = None
    past: list[tuple[People, str | None]] = field(default_factory=list)
    future: list[tuple[People, str | None]] = field(default_factory=list)
    backups: dict[str, Model] = field(default_factory=dict)
    thinned: set[str] = field(default_factory=set)
    n_shots: int = 0

    def after(self, operation: Operation) -> Model:
        """The model one operation later; this one stays."""
        backups, self.backups = self.backups, {}
        later = copy.deepcopy(self)
        self.backups = backups
        later.backups = dict(backups)
        kind, *arguments = operation
        getattr(later, f"_{kind}")(*arguments)
        return later

    def _state(self) -> tuple[People, str | None]:
        return copy.deepcopy(self.people), self.contract

    def _step(self) -> None:
        self.past.append(self._state())
        self.future.clear()

    def _enrol(self, name: str, shots: list[int], contract: str) -> None:
        self._step()
        self.contract = self.contract or contract
        person = self.people.setdefault(name, {})
        person.update({digest(shot): (contract, False) for shot in shots})
        self.n_shots = max(self.n_shots, *(shot + 1 for shot in shots))

    def _merge(self, name: str, into: str) -> None:
        self._step()
        self.people[into].update(self.people.pop(name))

    def _rename(self, name: str, new_name: str) -> None:
        self._step()
        self.people[new_name] = self.people.pop(name)

    def _remove(self, name: str) -> None:
        self._step()
        del self.people[name]
        self._forget_contract()

    def _set_aside(self, name: str, sha256: str) -> None:
        self._step()
        contract, _ = self.people[name][sha256]
        self.people[name][sha256] = (contract, True)

    def _re_embed(self, contract: str) -> None:
        self._step()
        self.contract = contract
        for person in self.people.values():
            person.update({key: (contract, aside) for key, (_, aside) in person.items()})

    def _undo(self) -> None:
        self.future.append(self._state())
        self.people, self.contract = self.past.pop()

    def _redo(self) -> None:
        self.past.append(self._state())
        self.people, self.contract = self.future.pop()

    def _erase(self, name: str) -> None:
        del self.people[name]
        self._forget_contract()
        # (other steps stay; what they come to after an erasure is another test's subject)
        self.past.clear()
        self.future.clear()
        self.thinned.update(self.backups)

    def _back_up(self, path: str) -> None:
        self.backups[path] = copy.deepcopy(
            Model(self.people, self.contract, self.past, self.future)
        )

    def _restore(self, path: str) -> None:
        then = copy.deepcopy(self.backups[path])
        self.people, self.contract = then.people, then.contract
        self.past, self.future = then.past, then.future

    def _open(self) -> None:
        pass

    def _forget_contract(self) -> None:
        if not any(self.people.values()):
            self.contract = None


def draw(rng: random.Random, model: Model, kind: str, folder: Path) -> Operation:
    """Draw an operation of a kind that is possible; an enrolment where it is not."""
    names = sorted(model.people)
    templates = [(name, key) for name in names for key in sorted(model.people[name])]
    possible = {
        "merge": len(names) > 1,
        "rename": bool(names),
        "remove": bool(names),
        "set_aside": bool(templates),
        "re_embed": bool(templates),
        "undo": bool(model.past),
        "redo": bool(model.future),
        "erase": bool(names),
        "back_up": True,
        "restore": bool(set(model.backups) - model.thinned),
    }
    if len(templates) > MAX_TEMPLATES:
        kind = "remove"
    if not possible.get(kind, False):
        shots = [model.n_shots + i for i in range(rng.randint(1, 2))]
        name = f"Person {rng.randrange(N_NAMES)}"
        return ["enrol", name, shots, model.contract or CONTRACTS[0]]
    if kind == "merge":
        return ["merge", *rng.sample(names, 2)]
    if kind in {"remove", "erase"}:
        return [kind, rng.choice(names)]
    if kind == "rename":
        return ["rename", rng.choice(names), f"Renamed {model.n_shots} {rng.randrange(10**6)}"]
    if kind == "set_aside":
        fresh = [pair for pair in templates if not model.people[pair[0]][pair[1]][1]]
        return ["set_aside", *rng.choice(fresh)] if fresh else ["re_embed", CONTRACTS[0]]
    if kind == "re_embed":
        return ["re_embed", CONTRACTS[1 - CONTRACTS.index(model.contract or CONTRACTS[1])]]
    if kind == "back_up":
        return ["back_up", str(folder / f"{rng.randrange(10**9)}.backup")]
    if kind == "restore":
        return ["restore", rng.choice(sorted(set(model.backups) - model.thinned))]
    return [kind]


class Worker:
    """Does operations to a gallery."""

    def __init__(self, gallery: OpenGallery) -> None:
        self.gallery = gallery

    def apply(self, operation: Operation) -> None:
        kind, *arguments = operation
        getattr(self, f"_{kind}")(*arguments)

    def _enrol(self, name: str, shots: list[int], contract: str) -> None:
        pipeline = Pipeline(FakeDetector(), _embedder(contract))
        images = [photo(shot) for shot in shots]
        enroll(self.gallery, pipeline, name, images, rule=_RULE, options=_ANYTHING)

    def _merge(self, name: str, into: str) -> None:
        people.merge_people(self.gallery, name, into)

    def _rename(self, name: str, new_name: str) -> None:
        people.rename_person(self.gallery, name, new_name)

    def _remove(self, name: str) -> None:
        people.remove_person(self.gallery, name)

    def _set_aside(self, name: str, sha256: str) -> None:
        stored = people.show_person(self.gallery, name).templates
        ids = [template.id for template in stored if template.source.sha256 == sha256]
        people.set_aside(self.gallery, ids)

    def _re_embed(self, contract: str) -> None:
        re_embed(self.gallery, _embedder(contract))

    def _undo(self) -> None:
        steps.undo(self.gallery)

    def _redo(self) -> None:
        steps.redo(self.gallery)

    def _erase(self, name: str) -> None:
        erase(self.gallery, name)

    def _back_up(self, path: str) -> None:
        back_up(self.gallery, Path(path))

    def _restore(self, path: str) -> None:
        restore(self.gallery.folder, Path(path))


def held(gallery: OpenGallery) -> tuple[People, str | None]:
    """What a gallery holds, in the model's terms."""
    with gallery.store.read():
        found: People = {person.name: {} for person in people.list_people(gallery)}
    for name in found:
        found[name] = {
            t.source.sha256: (t.contract_id, t.set_aside_at is not None)
            for t in people.show_person(gallery, name).templates
        }
    return found, gallery.state().contract_id


def require_whole(gallery: OpenGallery) -> None:
    """Pages, references, Crops, vectors and index agree with each other."""
    gallery.store.check()
    with gallery.store.read() as session:
        assert pragma_value(session, "foreign_key_check") is None
        counts = {
            table: session.connection().exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()  # noqa: S608
            for table in ("templates", "crops", "images")
        }
        # One Image and one Crop to each Template here, none without.
        assert len(set(counts.values())) == 1, counts
        _require_vectors_of_crops(session)
        source = TemplateVectors(session)
        index = gallery.index.refresh(source)
        ids, vectors = source.vectors()
        assert (0 if index is None else len(index)) == ids.size
        if index is not None and ids.size:
            np.testing.assert_array_equal(index.ids(), ids)
            np.testing.assert_array_equal(index.vectors_of(ids), vectors)


def _require_vectors_of_crops(session: Session) -> None:
    """Each Template's vector is what the network of its contract makes of its Crop."""
    stored = list_templates(session)
    for contract in {template.contract_id for template in stored}:
        ids = [template.id for template in stored if template.contract_id == contract]
        pngs = crop_pngs(session, ids)
        crops = np.stack([crop_from_png(pngs[number]) for number in ids])
        vectors = np.stack([embedding_of(session, number).vector for number in ids])
        np.testing.assert_allclose(vectors, _embedder(contract).embed_vectors(crops), atol=1e-5)


@cache
def _embedder(contract: str) -> FakeEmbedder:
    return FakeEmbedder(contract_id=contract)


def require_backups(model: Model) -> None:
    """Every backup that was acknowledged is there, whole, and holds what it should."""
    for path, then in model.backups.items():
        manifest = verify_backup(Path(path))
        if path in model.thinned:
            assert manifest.counts["people"] <= len(then.people)
            continue
        assert manifest.counts["people"] == len(then.people)
        assert manifest.counts["templates"] == sum(map(len, then.people.values()))
