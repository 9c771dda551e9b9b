"""Random changes, undone and redone at random, leave what the changes that were kept would make."""

from __future__ import annotations

import random
from itertools import count

import pytest

from facerec.errors import DuplicateError, FacerecError, RangeError, StepError
from facerec.match.rule import MatchRule
from facerec.pipeline import Pipeline
from facerec.services import people, steps
from facerec.services.enroll import EnrollOptions, enroll
from facerec.services.gallery import open_gallery
from facerec.services.reindex import re_embed
from facerec.services.transfer import ExistingPolicy, export_gallery, import_gallery
from tests.helpers.fakes import FakeDetector, FakeEmbedder, fake_photo
from tests.helpers.gallery_dump import all_rows, answers, meaning

RULE = MatchRule(0.9)
ANYTHING = EnrollOptions(allow_conflict=True)
CONTRACTS = ("fa4e000000000000", "fa4e000000000009")
N_ARCHIVES = 3


class Changes:
    """Changes as data: names and pictures instead of ids, so that they mean the same elsewhere."""

    def __init__(self, gallery, archives):
        self.gallery = gallery
        self.archives = archives
        self.n_embeddings = 0

    def apply(self, change):
        kind, *arguments = change
        getattr(self, f"_{kind}")(*arguments)

    def _enrol(self, name, photos, contract):
        pipeline = Pipeline(FakeDetector(), FakeEmbedder(contract_id=CONTRACTS[contract]))
        images = [fake_photo(*photo, size=112) for photo in photos]
        enroll(self.gallery, pipeline, name, images, rule=RULE, options=ANYTHING)

    def _rename(self, name, new_name):
        people.rename_person(self.gallery, name, new_name)

    def _merge(self, name, into):
        people.merge_people(self.gallery, name, into)

    def _remove(self, name):
        people.remove_person(self.gallery, name)

    def _remove_template(self, template):
        people.remove_template(self.gallery, *self._ids([template]))

    def _split(self, templates, new_name):
        people.split_person(self.gallery, self._ids(templates), new_name)

    def _move(self, templates, into):
        people.move_templates(self.gallery, self._ids(templates), into)

    def _set_aside(self, templates):
        people.set_aside(self.gallery, self._ids(templates))

    def _take_back(self, templates):
        people.take_back(self.gallery, self._ids(templates))

    def _import(self, number):
        import_gallery(self.gallery, self.archives[number], existing=ExistingPolicy.MERGE)

    def _re_embed(self, contract):
        re_embed(self.gallery, FakeEmbedder(contract_id=CONTRACTS[contract]))

    def _ids(self, templates):
        """Ids of (name, digest) pairs."""
        return [
            next(
                t.id
                for t in people.show_person(self.gallery, name).templates
                if t.source.sha256 == sha256
            )
            for name, sha256 in templates
        ]


class Chooser:
    """Draws a change that is possible, or nearly."""

    def __init__(self, rng, gallery):
        self.rng = rng
        self.gallery = gallery
        self.shots = count()

    def draw(self, imported):
        rng = self.rng
        enrolled = people.list_people(self.gallery)
        kinds = ["enrol"] * 6 + ["import"]
        if enrolled:
            kinds += ["rename", "remove", "re_embed"] + ["template"] * 8
        if len(enrolled) > 1:
            kinds += ["merge", "merge"]
        if len(enrolled) > 12:
            kinds += ["remove"] * 4
        kind = rng.choice(kinds)
        if kind == "enrol":
            photos = [(rng.randrange(5), next(self.shots)) for _ in range(rng.randint(1, 2))]
            if rng.random() < 0.2:  # a picture that others may be in too
                photos.append((rng.randrange(5), 1_000_000))
            return ("enrol", self.name(), photos, self.contract())
        if kind == "import":
            free = [number for number in range(N_ARCHIVES) if number not in imported]
            right = self.gallery.state().contract_id in (None, CONTRACTS[0])
            return ("import", rng.choice(free)) if free and right else None
        if kind == "re_embed":
            return ("re_embed", rng.randrange(2)) if rng.random() < 0.3 else None
        person = rng.choice(enrolled)
        if kind == "rename":
            return ("rename", person.name, self.name())
        if kind == "remove":
            return ("remove", person.name)
        if kind == "merge":
            return ("merge", *(p.name for p in rng.sample(enrolled, 2)))
        return self._about_templates(person, rng.choice(enrolled))

    def _about_templates(self, person, other):
        rng = self.rng
        stored = people.show_person(self.gallery, person.name).templates
        if not stored:
            return None
        chosen = rng.sample(stored, rng.randint(1, min(3, len(stored))))
        templates = [(person.name, template.source.sha256) for template in chosen]
        kind = rng.choice(["remove_template", "split", "move", "set_aside", "take_back"])
        if kind == "remove_template":
            return (kind, templates[0])
        if kind == "split":
            return (kind, templates, self.name())
        return (kind, templates, other.name) if kind == "move" else (kind, templates)

    def name(self):
        return f"Person {self.rng.randrange(25)}"

    def contract(self):
        now = self.gallery.state().contract_id
        return CONTRACTS.index(now) if now else 0


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """Three galleries to import, of people and pictures that nothing else uses."""
    folder = tmp_path_factory.mktemp("archives")
    paths = []
    for number in range(N_ARCHIVES):
        with open_gallery(folder / str(number)) as gallery:
            changes = Changes(gallery, [])
            for person in range(2):
                photos = [(10 + person, 2_000_000 + 10 * number + person)]
                changes.apply(("enrol", f"Archived {number} {person}", photos, 0))
            paths.append(folder / f"{number}.zip")
            export_gallery(gallery, paths[-1])
    return paths


def newest_id(gallery):
    found = steps.history(gallery, limit=1)
    return found[0].id if found else 0


def play(gallery, archives, n_operations, seed):
    """Change, undo and redo at random; return the changes that count in the end, in order."""
    rng = random.Random(seed)
    changes, chooser = Changes(gallery, archives), Chooser(rng, gallery)
    kept: dict[int, tuple] = {}  # step id -> change
    undone: list[tuple[int, tuple]] = []
    tally = {"undo": 0, "undo older": 0, "redo": 0, "refused": 0}
    for _ in range(n_operations):
        draw = rng.random()
        if draw < 0.25 and kept:
            before = all_rows(gallery)
            step = steps.undo(gallery)
            assert step.id == max(kept)
            undone.append((step.id, kept.pop(step.id)))
            tally["undo"] += 1
            if rng.random() < 0.3:  # there and back again: every cell, ids and times included
                assert steps.redo(gallery).id == step.id
                assert all_rows(gallery) == before
                kept[step.id] = undone.pop()[1]
        elif draw < 0.35 and kept:
            chosen = rng.choice(sorted(kept)[-8:])
            try:
                steps.undo(gallery, chosen)
            except StepError:
                tally["refused"] += 1
            else:
                undone.append((chosen, kept.pop(chosen)))
                tally["undo older"] += 1
        elif draw < 0.5:
            if undone:
                number, change = undone.pop()
                assert steps.redo(gallery).id == number
                kept[number] = change
                tally["redo"] += 1
            else:
                with pytest.raises(StepError, match="nothing to redo"):
                    steps.redo(gallery)
        else:
            imported = {change[1] for change in kept.values() if change[0] == "import"}
            change = chooser.draw(imported)
            newest = newest_id(gallery)
            try:
                if change is not None:
                    changes.apply(change)
            except (DuplicateError, RangeError):
                pass
            if newest_id(gallery) > newest or (undone and is_new_step(gallery, kept, undone)):
                kept[newest_id(gallery)] = change
                undone.clear()
        if rng.random() < 0.1:
            answers(gallery)  # so that the index is caught up from many different states
    return [kept[number] for number in sorted(kept)], tally


def is_new_step(gallery, kept, undone):
    """A step was made after some were undone: those are gone, so the newest may have a lower id."""
    known = {*kept, *(number for number, _ in undone)}
    return newest_id(gallery) not in known


def require_equal_to_replay(tmp_path, archives, n_operations, seed):
    with (
        open_gallery(tmp_path / f"played {seed}", min_saved=1) as gallery,
        open_gallery(tmp_path / f"fresh {seed}", min_saved=1) as fresh,
    ):
        kept, tally = play(gallery, archives, n_operations, seed)
        replayed = Changes(fresh, archives)
        for change in kept:
            replayed.apply(change)

        assert meaning(gallery) == meaning(fresh)
        assert answers(gallery) == answers(fresh)
        gallery.store.check()
        while [step for step in steps.history(gallery) if not step.is_undone]:
            steps.undo(gallery)
        empty = {"people": [], "images": [], "templates": [], "crops": [], "contract": [(None,)]}
        assert all_rows(gallery) == empty
        assert answers(gallery) == []
    return tally


@pytest.mark.parametrize("seed", range(2))
def test_random_steps_equal_those_that_were_kept(tmp_path, archives, seed):
    tally = require_equal_to_replay(tmp_path, archives, 45, seed)

    assert tally["undo"] > 2
    assert tally["redo"] > 0


@pytest.mark.slow
def test_two_thousand_random_steps_equal_those_that_were_kept(tmp_path, archives):
    tally = require_equal_to_replay(tmp_path, archives, 2_000, 7)

    assert min(tally.values()) > 50


def test_a_name_that_is_none_changes_nothing(tmp_path):
    with open_gallery(tmp_path) as gallery:
        with pytest.raises(FacerecError):
            people.rename_person(gallery, "nobody", "anybody")

        assert steps.history(gallery) == []
