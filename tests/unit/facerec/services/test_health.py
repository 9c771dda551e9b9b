"""The health check on made-up galleries whose faults are known, against loops and counting."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import numpy as np
import pytest
from PIL import Image

from facerec.errors import InputError, NotFoundError, RangeError
from facerec.gallery.made_up import add_made_up
from facerec.gallery.tables import CropRow
from facerec.match.rule import MatchRule
from facerec.progress import SilentTask
from facerec.services import people, steps
from facerec.services.exclusions import ignore_person
from facerec.services.gallery import open_gallery
from facerec.services.health import (
    apply_finding,
    check_health,
    find_finding,
    refuse_finding,
    write_pictures,
)
from facerec.services.health_scan import scan
from facerec.services.health_types import FindingKind
from tests.helpers.command_line import CommandLine
from tests.helpers.gallery_dump import all_rows

RULE = MatchRule(0.5)
DIMENSION = 128
N_PEOPLE, N_EACH = 60, 4


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def faces(seed=0, n_people=N_PEOPLE, n_each=N_EACH, noise=0.85):
    """People in random directions; pictures of one score about 0.58, of others about 0."""
    rng = np.random.default_rng(seed)
    centres = unit(rng.standard_normal((n_people, 1, DIMENSION)))
    away = unit(rng.standard_normal((n_people, n_each, DIMENSION)))
    return unit(centres + noise * away).reshape(-1, DIMENSION)


@pytest.fixture
def fill(tmp_path):
    opened = []

    def make(vectors, per_person=N_EACH, quality=None):
        gallery = open_gallery(tmp_path / "gallery")
        opened.append(gallery)
        with gallery.store.write() as session:
            add_made_up(
                session, vectors, contract_id="c" * 16, per_person=per_person,
                at=datetime.now(UTC), quality=quality,
            )  # fmt: skip
        return gallery

    yield make
    for gallery in opened:
        gallery.close()


def of_kind(report, kind):
    return [finding for finding in report.findings if finding.kind is kind]


def kinds(report):
    return {finding.kind for finding in report.findings}


def test_a_sound_gallery_has_no_findings(fill):
    report = check_health(fill(faces()), RULE)

    assert report.findings == ()
    assert (report.n_people, report.n_templates) == (N_PEOPLE, N_PEOPLE * N_EACH)
    assert report.n_wrong == 0


def test_the_scan_agrees_with_loops():
    vectors, person = faces(n_people=7, n_each=3), np.repeat(np.arange(7), 3)
    vectors, person = vectors[1:], person[1:]

    found = scan(vectors, person, threshold=0.3, margin=0.05, task=SilentTask())

    scores = vectors @ vectors.T
    for row, own in enumerate(person):
        others = [s for s, p in zip(scores[row], person, strict=True) if p != own]
        mates = [scores[row, i] for i in range(len(person)) if person[i] == own and i != row]
        assert found.other_best[row] == pytest.approx(max(others), abs=1e-5)
        assert found.own_best[row] == pytest.approx(max(mates), abs=1e-5)
        rest = unit(sum(vectors[i] for i in range(len(person)) if person[i] == own and i != row))
        assert found.own_centre[row] == pytest.approx(float(rest @ vectors[row]), abs=1e-5)
        centres = {p: float(unit(vectors[person == p].sum(axis=0)) @ vectors[row])
                   for p in range(7) if p != own}  # fmt: skip
        assert found.rival[row] == max(centres, key=centres.get)
        near, near_scores = found.neighbours(row)
        expected = {i for i in range(len(person)) if i != row and scores[row, i] >= 0.25}
        assert set(near.tolist()) == expected
        assert near_scores == pytest.approx(scores[row, near], abs=1e-5)


def test_a_misfiled_picture_is_found_moved_and_undone(fill):
    vectors = faces()
    vectors[[0, 9]] = vectors[[9, 0]]  # Person 0 and Person 2 have one picture of each other
    gallery = fill(vectors)
    before = all_rows(gallery)

    report = check_health(gallery, RULE)

    found = of_kind(report, FindingKind.MISFILED)
    assert kinds(report) == {FindingKind.MISFILED}
    assert {one.template_ids[0]: one.names for one in found} == {
        1: ("Person 0", "Person 2"), 10: ("Person 2", "Person 0"),
    }  # fmt: skip
    assert all(one.effect.found_after > one.effect.found_before for one in found)
    assert all(one.effect.wrong_after < one.effect.wrong_before for one in found)
    (first,) = [one for one in found if one.template_ids[0] == 1]
    assert first.action.command == "facerec gallery move 1 --to 'Person 2'"
    assert all_rows(gallery) == before

    apply_finding(gallery, first)

    assert 1 in [one.id for one in people.show_person(gallery, "Person 2").templates]
    after = check_health(gallery, RULE)
    assert [one.template_ids[0] for one in after.findings] == [10]
    assert 0 < after.n_wrong < report.n_wrong
    assert after.n_found > report.n_found
    steps.undo(gallery)
    assert all_rows(gallery) == before


def test_somebody_enrolled_twice_is_found_and_merged_or_kept_apart(fill):
    vectors = faces(n_people=N_PEOPLE, n_each=8)
    # Person 0 and Person 1 are halves of one.
    per_person = np.array([3, 5] + [8] * (N_PEOPLE - 1))
    gallery = fill(vectors, per_person)

    (finding,) = check_health(gallery, RULE).findings

    assert finding.kind is FindingKind.DUPLICATE
    assert finding.names == ("Person 0", "Person 1")
    assert finding.action.command == "facerec gallery merge 'Person 0' 'Person 1'"
    assert finding.effect.n_searches == 8
    assert finding.effect.found_after == 8 > finding.effect.found_before

    refuse_finding(gallery, finding)
    assert FindingKind.DUPLICATE not in kinds(check_health(gallery, RULE))
    assert FindingKind.MISFILED not in kinds(check_health(gallery, RULE))
    steps.undo(gallery)
    apply_finding(gallery, finding)
    assert check_health(gallery, RULE).findings == ()


def test_a_picture_of_a_stranger_is_set_aside(fill):
    vectors = faces()
    vectors[5] = unit(np.random.default_rng(9).standard_normal(DIMENSION))
    gallery = fill(vectors)

    (finding,) = check_health(gallery, RULE).findings

    assert (finding.kind, finding.template_ids[0]) == (FindingKind.OUTLIER, 6)
    apply_finding(gallery, finding)
    report = check_health(gallery, RULE)
    assert report.findings == ()
    assert report.n_templates == len(vectors) - 1


def test_look_alikes_are_expected_to_be_confused_as_often_as_simulated_looks_are(fill):
    rng = np.random.default_rng(3)
    centres = unit(rng.standard_normal((N_PEOPLE, 1, DIMENSION)))
    centres[1] = unit(centres[0] + 0.6 * centres[1])
    per_person, noise = 6, 0.85

    def pictures(n):
        return unit(centres + noise * unit(rng.standard_normal((N_PEOPLE, n, DIMENSION))))

    enrolled = pictures(per_person)
    report = check_health(fill(enrolled.reshape(-1, DIMENSION), per_person), RULE)

    (finding,) = of_kind(report, FindingKind.LOOK_ALIKE)
    assert set(finding.names) == {"Person 0", "Person 1"}
    looks = pictures(4000)[:2]
    own, other = (
        np.stack([(looks[i] @ enrolled[j].T).max(axis=1) for i, j in pairs])
        for pairs in (((0, 0), (1, 1)), ((0, 1), (1, 0)))
    )
    share = float(((other >= 0.5) & (other - own >= RULE.required_margin)).mean())
    assert share > 0.001
    assert share / 4 < finding.outlook.before < share * 4


def test_poor_pictures_are_weak(fill):
    vectors = faces()
    quality = np.ones(len(vectors))
    quality[[2, 40, 41, 42, 43]] = 0.3
    gallery = fill(vectors, quality=quality)

    found = of_kind(check_health(gallery, RULE), FindingKind.WEAK)

    # Person 10 has no better picture.
    assert {one.template_ids[0]: one.action.kind.value for one in found} == {
        3: "set_aside", 41: "enrol", 42: "enrol", 43: "enrol", 44: "enrol",
    }  # fmt: skip


def test_people_whose_pictures_hardly_match_are_at_risk(fill):
    noise = np.linspace(0.6, 1.3, N_PEOPLE)
    vectors = faces(noise=noise[:, None, None])
    gallery = fill(vectors)

    found = of_kind(check_health(gallery, RULE), FindingKind.NEAR_THRESHOLD)

    # Pictures of one score 1 / (1 + noise^2): the threshold at a noise of 1.
    at_risk = [int(one.names[0].split()[1]) for one in found]
    assert N_PEOPLE - 1 in at_risk
    assert all(noise[number] > 0.95 for number in at_risk)
    assert all(one.outlook.before >= max(0.5, one.outlook.after) for one in found)
    with pytest.raises(RangeError, match="another image"):
        apply_finding(gallery, found[0])


def test_highest_stranger_stands_beside_lowest_own_score(fill):
    vectors = faces(n_people=12, n_each=3)
    report = check_health(fill(vectors, 3), RULE)

    scores = vectors @ vectors.T
    np.fill_diagonal(scores, -1)
    for one in report.people:
        start = 3 * int(one.name.split()[1])
        own = scores[start : start + 3, start : start + 3].max(axis=1).min()
        others = np.delete(scores[start : start + 3], range(start, start + 3), axis=1)
        assert one.lowest_own == pytest.approx(own, abs=1e-5)
        assert one.highest_other == pytest.approx(others.max(), abs=1e-5)
    gaps = [one.lowest_own - one.highest_other for one in report.people]
    assert gaps == sorted(gaps)


def test_who_is_ignored_is_named_by_nobody_here_either(fill):
    vectors = faces()
    vectors[[0, 9]] = vectors[[9, 0]]
    gallery = fill(vectors)
    n_wrong = check_health(gallery, RULE).n_wrong

    ignore_person(gallery, "Person 2")

    assert n_wrong >= 2
    assert check_health(gallery, RULE).n_wrong == 0


def test_what_cannot_be_answered_is_said(fill, tmp_path):
    with open_gallery(tmp_path / "empty") as empty, pytest.raises(InputError, match="enrolled"):
        check_health(empty, RULE)
    report = check_health(fill(faces(n_people=1), 4), RULE)
    assert report.n_people == 1
    with pytest.raises(NotFoundError):
        find_finding(report, 7)


def test_a_strip_of_pictures_is_written(fill, tmp_path):
    vectors = faces()
    vectors[5] = unit(np.random.default_rng(9).standard_normal(DIMENSION))
    gallery = fill(vectors)
    stream = io.BytesIO()
    Image.new("RGB", (112, 112), (10, 120, 40)).save(stream, "PNG")
    with gallery.store.write() as session:
        session.query(CropRow).update({"png": stream.getvalue()})
    report = check_health(gallery, RULE)

    written = write_pictures(gallery, report.findings, tmp_path / "strips")

    assert list(written) == [1]
    with Image.open(written[1]) as strip:
        assert strip.size == (3 * 112 + 2 * 4, 112)
        assert strip.getpixel((0, 0)) == (10, 120, 40)


def test_the_command_lists_applies_and_refuses(fill, capsys, tmp_path):
    facerec = CommandLine(capsys)
    vectors = faces()
    vectors[[0, 9]] = vectors[[9, 0]]
    fill(vectors).close()
    arguments = ("gallery", "health", "--gallery", tmp_path / "gallery", "--threshold", "0.5")

    shown = facerec(*arguments).out
    listed = facerec(*arguments, "--json").json["findings"]
    assert "facerec gallery move 1 --to 'Person 2'" in shown
    assert [one["kind"] for one in listed] == ["misfiled", "misfiled"]
    assert facerec(*arguments, "--apply", listed[0]["number"]).code == 0
    (left,) = facerec(*arguments, "--json").json["findings"]
    assert facerec(*arguments, "--refuse", left["number"]).code == 0
    (refused,) = facerec(*arguments, "--json").json["findings"]
    assert (refused["kind"], refused["template_ids"][0]) == ("outlier", left["template_ids"][0])
    assert facerec(*arguments, "--apply", 9).code == 1
