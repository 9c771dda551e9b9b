"""Enrol, identify, verify, change people, re-embed, export and import, on a real gallery."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as PilImage

from facerec.detect.base import PrimaryPolicy
from facerec.errors import (
    ConflictError,
    DuplicateError,
    EmbeddingMismatchError,
    InputError,
    LowQualityError,
    ManyFacesError,
    NoFaceError,
    NotFoundError,
    RangeError,
    StoreError,
)
from facerec.gallery.templates import TemplateVectors
from facerec.match.rule import MatchRule
from facerec.pipeline import Pipeline
from facerec.services import people
from facerec.services.enroll import EnrollOptions, EnrollStatus, enroll, enroll_folder
from facerec.services.erase import erase
from facerec.services.gallery import open_gallery
from facerec.services.identify import identify, identify_faces
from facerec.services.one_face import FacePolicy
from facerec.services.reindex import re_embed, reindex
from facerec.services.source import read_source
from facerec.services.transfer import (
    MANIFEST_MEMBER,
    VECTORS_MEMBER,
    ExistingPolicy,
    export_gallery,
    import_gallery,
    read_archive,
)
from facerec.services.verify import PairVerdict, verify
from facerec.types import QualityIssue, Reason, Verdict
from tests.helpers.fakes import FakeDetector, FakeEmbedder, fake_face, fake_photo, fake_pipeline

RULE = MatchRule(0.9)
BLANK = np.zeros((160, 160, 3), np.uint8)
ANYTHING = EnrollOptions(allow_conflict=True)


@pytest.fixture
def gallery(tmp_path):
    with open_gallery(tmp_path / "gallery", min_saved=1) as gallery:
        yield gallery


@pytest.fixture
def pipeline():
    return fake_pipeline()


@pytest.fixture
def two_faces():
    """Two people side by side: number 1 left, number 2 right and larger."""
    image = np.zeros((200, 320, 3), np.uint8)
    image[:120, :120], image[:200, 120:] = fake_photo(1, 50, 120), fake_photo(2, 50, 200)
    faces = [fake_face(0, 0, 120), fake_face(120, 0, 200)]
    return image, Pipeline(FakeDetector(faces), FakeEmbedder())


def enrolled(gallery, pipeline, *numbers, shots=(0,)):
    for number in numbers:
        photos = [fake_photo(number, shot) for shot in shots]
        outcome = enroll(gallery, pipeline, f"P{number}", photos, rule=RULE)
        assert outcome.n_added == len(shots)


def names(gallery):
    return [person.name for person in people.list_people(gallery)]


def require_agreement(gallery):
    with gallery.store.read() as session:
        source = TemplateVectors(session)
        index = gallery.index.refresh(source)
        ids, vectors = source.vectors()
        assert (0 if index is None else len(index)) == ids.size
        if index is not None:
            np.testing.assert_array_equal(index.vectors_of(ids), vectors)


class TestEnroll:
    def test_one_image_is_enough(self, gallery, pipeline):
        outcome = enroll(gallery, pipeline, " Ada ", [fake_photo(1)], rule=RULE)

        assert outcome.created
        assert outcome.is_done
        assert (outcome.name, outcome.person.name, outcome.person.n_templates) == ("Ada", "Ada", 1)
        (image,) = outcome.images
        assert (image.status, image.error, image.own_score) == (EnrollStatus.ADDED, None, None)
        require_agreement(gallery)

    def test_adds_to_somebody_enrolled_already(self, gallery, pipeline):
        enrolled(gallery, pipeline, 1)

        outcome = enroll(gallery, pipeline, "p1", [fake_photo(1, 1)], rule=RULE)

        assert not outcome.created
        assert outcome.person.n_templates == 2
        assert outcome.images[0].own_score > 0.99

    def test_notes_the_same_picture_twice(self, gallery, pipeline, tmp_path):
        path = tmp_path / "a.png"
        PilImage.fromarray(fake_photo(1)).save(path)

        first = enroll(gallery, pipeline, "Ada", [path, path, path.read_bytes()], rule=RULE)
        again = enroll(gallery, pipeline, "Ada", [path], rule=RULE)

        there = EnrollStatus.ALREADY_THERE
        assert [image.status for image in first.images] == [EnrollStatus.ADDED, there, there]
        assert [image.status for image in again.images] == [there]
        assert again.images[0].template_id == first.images[0].template_id
        assert again.is_done
        assert pipeline.detector.n_calls == 3

    def test_stores_the_files_name_without_its_folders(self, gallery, pipeline, tmp_path):
        path = tmp_path / "clinic" / "photo.png"
        path.parent.mkdir()
        PilImage.fromarray(fake_photo(1)).save(path)

        enroll(gallery, pipeline, "Ada", [path], rule=RULE)

        (template,) = people.show_person(gallery, "Ada").templates
        assert template.source.source_name == "photo.png"
        assert len(template.source.sha256) == 64
        assert b"clinic" not in gallery.store.database_path.read_bytes()

    def test_every_refused_image_has_its_reason_and_the_rest_is_stored(
        self, gallery, pipeline, tmp_path
    ):
        (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8nothing")
        sources = [tmp_path / "missing.jpg", tmp_path / "broken.jpg", BLANK, fake_photo(1)]

        outcome = enroll(gallery, pipeline, "Ada", sources, rule=RULE)

        assert (outcome.n_added, outcome.n_refused) == (1, 3)
        assert isinstance(outcome.images[2].error, NoFaceError)
        assert all(isinstance(image.error, InputError) for image in outcome.images[:3])

    def test_nobody_is_created_when_everything_is_refused(self, gallery, pipeline):
        outcome = enroll(gallery, pipeline, "Ada", [BLANK], rule=RULE)

        assert (outcome.person, outcome.created, outcome.is_done) == (None, False, False)
        assert names(gallery) == []

    def test_refuses_several_faces_unless_told_which_counts(self, gallery, two_faces):
        image, pipeline = two_faces

        refused = enroll(gallery, pipeline, "Ada", [image], rule=RULE)
        options = EnrollOptions(FacePolicy.LARGEST)
        taken = enroll(gallery, pipeline, "Ada", [image], rule=RULE, options=options)

        assert isinstance(refused.images[0].error, ManyFacesError)
        assert taken.n_added == 1
        found = identify(gallery, fake_pipeline(), fake_photo(2, 9), rule=RULE)
        assert found[0].decision.person.name == "Ada"

    def test_refuses_somebody_who_looks_like_somebody_else(self, gallery, pipeline):
        enrolled(gallery, pipeline, 1)

        outcome = enroll(gallery, pipeline, "Eve", [fake_photo(1, 5)], rule=RULE)

        (image,) = outcome.images
        assert isinstance(image.error, ConflictError)
        assert image.conflict.name == "P1"
        assert "P1" in image.error.message
        assert names(gallery) == ["P1"]

    def test_stores_a_look_alike_when_allowed_and_still_says_who(self, gallery, pipeline):
        enrolled(gallery, pipeline, 1)

        outcome = enroll(gallery, pipeline, "Eve", [fake_photo(1, 5)], rule=RULE, options=ANYTHING)

        assert outcome.n_added == 1
        assert outcome.images[0].conflict.name == "P1"

    def test_a_conflict_counts_from_the_threshold_on(self, gallery, pipeline):
        enrolled(gallery, pipeline, 1)
        probe = fake_photo(2)
        score = identify(gallery, pipeline, probe, rule=RULE)[0].decision.candidates[0].score

        at = enroll(gallery, pipeline, "Eve", [probe], rule=MatchRule(score))
        above = enroll(gallery, pipeline, "Eve", [probe], rule=MatchRule(np.nextafter(score, 2)))

        assert (at.n_refused, above.n_added) == (1, 1)

    def test_somebody_clearly_nearer_to_themselves_is_no_conflict(self, gallery, pipeline):
        enrolled(gallery, pipeline, 1, 2)
        low = MatchRule(-1.0, 0.05)

        assert enroll(gallery, pipeline, "P1", [fake_photo(1, 3)], rule=low).n_added == 1
        strict = MatchRule(-1.0, 2.0)
        assert enroll(gallery, pipeline, "P1", [fake_photo(1, 4)], rule=strict).n_refused == 1

    def test_refuses_a_poor_face_unless_allowed(self, gallery, pipeline, monkeypatch):
        issue = QualityIssue("blurred", "Hold still.", 0.0, 0.1)
        real = pipeline.analyze_faces
        monkeypatch.setattr(
            pipeline,
            "analyze_faces",
            lambda *args: [replace(face, quality_issues=(issue,)) for face in real(*args)],
        )
        poor = EnrollOptions(allow_low_quality=True)

        refused = enroll(gallery, pipeline, "Ada", [fake_photo(1)], rule=RULE)
        taken = enroll(gallery, pipeline, "Ada", [fake_photo(1)], rule=RULE, options=poor)

        assert isinstance(refused.images[0].error, LowQualityError)
        assert "Hold still." in refused.images[0].error.message
        assert taken.images[0].quality_issues == refused.images[0].quality_issues == (issue,)

    def test_refuses_another_model_before_reading_anything(self, gallery, pipeline):
        enrolled(gallery, pipeline, 1)
        other = Pipeline(FakeDetector(), FakeEmbedder(contract_id="b" * 16))

        with pytest.raises(EmbeddingMismatchError, match="another model"):
            enroll(gallery, other, "Eve", [fake_photo(9)], rule=RULE)
        with pytest.raises(EmbeddingMismatchError):
            identify(gallery, other, fake_photo(1), rule=RULE)
        assert other.detector.n_calls == 1

    def test_refuses_a_name_that_is_none(self, gallery, pipeline):
        with pytest.raises(RangeError):
            enroll(gallery, pipeline, " ", [fake_photo(1)], rule=RULE)

    def test_checks_conflicts_against_what_another_process_just_stored(
        self, gallery, pipeline, tmp_path
    ):
        enrolled(gallery, pipeline, 1)
        with open_gallery(tmp_path / "gallery") as other:
            enrolled(other, pipeline, 2)

        outcome = enroll(gallery, pipeline, "Eve", [fake_photo(2, 5)], rule=RULE)

        assert outcome.images[0].conflict.name == "P2"


class TestEnrollFolder:
    @pytest.fixture
    def folder(self, tmp_path):
        for number in (1, 2):
            subfolder = tmp_path / "people" / f"P{number}" / "inner"
            subfolder.mkdir(parents=True)
            PilImage.fromarray(fake_photo(number)).save(subfolder / "a.png")
        (tmp_path / "people" / "empty").mkdir()
        (tmp_path / "people" / ".hidden").mkdir()
        return tmp_path / "people"

    def test_enrols_one_person_per_subfolder(self, gallery, pipeline, folder):
        outcomes = list(enroll_folder(gallery, pipeline, folder, rule=RULE))

        assert [(o.name, o.n_added) for o in outcomes] == [("P1", 1), ("P2", 1)]
        assert names(gallery) == ["P1", "P2"]

    def test_a_person_is_on_the_disk_when_their_outcome_comes(
        self, gallery, pipeline, folder, tmp_path
    ):
        outcomes = enroll_folder(gallery, pipeline, folder, rule=RULE)
        next(outcomes)

        with open_gallery(tmp_path / "gallery") as other:
            assert names(other) == ["P1"]
        outcomes.close()
        assert names(gallery) == ["P1"]

    def test_a_subfolder_whose_name_is_none_has_its_outcome(self, gallery, pipeline, folder):
        (folder / "P1").rename(folder / "P\u200b1")

        first, second = enroll_folder(gallery, pipeline, folder, rule=RULE)

        assert second.n_added + first.n_added == 1
        assert {type(o.error) for o in (first, second)} == {RangeError, type(None)}

    def test_refuses_what_has_no_people(self, gallery, pipeline, tmp_path):
        with pytest.raises(InputError, match="no folder"):
            list(enroll_folder(gallery, pipeline, tmp_path / "none", rule=RULE))
        (tmp_path / "bare").mkdir()
        with pytest.raises(InputError, match="no subfolders"):
            list(enroll_folder(gallery, pipeline, tmp_path / "bare", rule=RULE))


class TestIdentify:
    def test_names_known_people_and_refuses_strangers(self, gallery, pipeline):
        enrolled(gallery, pipeline, 1, 2, 3, 4)

        (known,) = identify(gallery, pipeline, fake_photo(2, 7), rule=RULE)
        (unknown,) = identify(gallery, pipeline, fake_photo(77), rule=RULE)

        assert known.decision.person.name == "P2"
        assert len(known.decision.candidates) == 3
        assert known.face is known.analyzed.face
        assert (unknown.decision.verdict, unknown.decision.person) == (Verdict.UNKNOWN, None)

    def test_nobody_is_known_in_an_empty_gallery(self, gallery, pipeline):
        (found,) = identify(gallery, pipeline, fake_photo(1), rule=RULE)

        assert found.decision.reason is Reason.EMPTY_GALLERY

    def test_finds_nobody_where_there_is_no_face(self, gallery, pipeline):
        assert identify(gallery, pipeline, BLANK, rule=RULE) == []
        assert identify_faces(gallery, [], rule=RULE) == []

    def test_one_person_is_once_in_one_image(self, gallery, pipeline, two_faces):
        image, both = two_faces
        enrolled(gallery, pipeline, 1)
        image[:120, 120:240] = fake_photo(1, 51, 120)
        both.detector._faces = [fake_face(0, 0, 120), fake_face(120, 0, 120)]

        decisions = [found.decision for found in identify(gallery, both, image, rule=RULE)]

        assert sum(d.verdict is Verdict.KNOWN for d in decisions) == 1
        assert Reason.TAKEN_IN_IMAGE in {d.reason for d in decisions}

    def test_finds_three_people_though_one_has_most_templates(self, gallery, pipeline):
        enrolled(gallery, pipeline, 1, shots=range(20))
        enrolled(gallery, pipeline, 2, 3)

        (found,) = identify(gallery, pipeline, fake_photo(1, 99), rule=RULE)

        assert sorted(c.name for c in found.decision.candidates) == ["P1", "P2", "P3"]

    def test_sees_changes_by_another_process_at_once(self, gallery, pipeline, tmp_path):
        enrolled(gallery, pipeline, 1, 2)
        identify(gallery, pipeline, fake_photo(1), rule=RULE)
        with open_gallery(tmp_path / "gallery") as other:
            people.remove_person(other, "P1")
            enrolled(other, pipeline, 3)

        (gone,) = identify(gallery, pipeline, fake_photo(1), rule=RULE)
        (new,) = identify(gallery, pipeline, fake_photo(3, 1), rule=RULE)

        assert gone.decision.verdict is Verdict.UNKNOWN
        assert new.decision.person.name == "P3"


class TestVerify:
    def test_tells_same_from_different(self, pipeline):
        rule = MatchRule(0.9, fmr=1e-3)

        same = verify(pipeline, fake_photo(1, 0), fake_photo(1, 1), rule=rule)
        different = verify(pipeline, fake_photo(1), fake_photo(2), rule=rule)

        assert (same.same, same.verdict, same.rule.fmr) == (True, PairVerdict.SAME, 1e-3)
        assert not different.same
        assert different.score < 0.9 < same.score

    def test_the_threshold_is_inclusive(self, pipeline):
        score = verify(pipeline, fake_photo(1), fake_photo(2), rule=RULE).score

        assert verify(pipeline, fake_photo(1), fake_photo(2), rule=MatchRule(score)).same

    def test_an_image_scores_one_with_itself(self, pipeline):
        score = verify(pipeline, fake_photo(1), fake_photo(1), rule=RULE).score
        assert score == pytest.approx(1.0, abs=1e-6)

    def test_says_which_image_is_at_fault(self, pipeline, tmp_path):
        path = tmp_path / "blank.png"
        PilImage.fromarray(BLANK).save(path)

        with pytest.raises(NoFaceError, match=r"blank\.png: no face") as caught:
            verify(pipeline, fake_photo(1), path, rule=RULE)
        assert caught.value.details["source"] == str(path)
        with pytest.raises(InputError, match=r"missing\.png"):
            verify(pipeline, tmp_path / "missing.png", path, rule=RULE)

    @pytest.mark.parametrize(("policy", "is_second"), [("largest", True), ("certain", False)])
    def test_several_faces_need_a_policy(self, two_faces, policy, is_second):
        image, pipeline = two_faces
        pipeline.detector._faces = [
            fake_face(0, 0, 120, score=1.0),
            fake_face(120, 0, 200, score=0.9),
        ]

        with pytest.raises(ManyFacesError, match="2 faces"):
            verify(pipeline, image, image, rule=RULE)
        found = verify(pipeline, image, image, rule=RULE, policy=FacePolicy(policy))

        assert (found.face_a.face.width_px > 120) is is_second

    def test_policies_are_those_of_detection_and_refusal(self):
        assert {p.value for p in FacePolicy} == {p.value for p in PrimaryPolicy} | {"refuse"}


class TestPeople:
    def test_details_count_templates_of_other_models(self, gallery, pipeline):
        enrolled(gallery, pipeline, 1)
        details = people.show_person(gallery, "p1")

        assert (details.person.name, len(details.templates), details.n_not_compared) == ("P1", 1, 0)
        with pytest.raises(NotFoundError):
            people.show_person(gallery, "nobody")

    def test_a_new_name_is_used_at_once(self, gallery, pipeline):
        enrolled(gallery, pipeline, 1)
        assert people.rename_person(gallery, "P1", "Ada").name == "Ada"

        (found,) = identify(gallery, pipeline, fake_photo(1, 1), rule=RULE)
        assert found.decision.person.name == "Ada"

    def test_merged_people_are_one(self, gallery, pipeline):
        enrolled(gallery, pipeline, 1, 2)

        assert people.merge_people(gallery, "P1", "P2").n_templates == 2

        (found,) = identify(gallery, pipeline, fake_photo(1, 1), rule=RULE)
        assert found.decision.person.name == "P2"
        require_agreement(gallery)

    def test_nothing_of_an_erased_person_is_left_in_any_file(self, gallery, pipeline, tmp_path):
        enrolled(gallery, pipeline, 1, 2)
        reindex(gallery)
        template = people.show_person(gallery, "P1").templates[0]
        with gallery.store.read() as session:
            vector = TemplateVectors(session).vectors()[1][0].tobytes()

        def files_with_the_vector():
            paths = (tmp_path / "gallery").iterdir()
            return {path.name for path in paths if vector in path.read_bytes()}

        assert "vectors.index" in files_with_the_vector()

        people.remove_person(gallery, "P1")
        assert "vectors.index" not in files_with_the_vector()
        erase(gallery, "P1")
        gallery.close()

        assert files_with_the_vector() == set()
        assert all(
            template.source.sha256.encode() not in path.read_bytes()
            for path in (tmp_path / "gallery").iterdir()
        )

    def test_the_last_template_gone_lets_another_model_begin(self, gallery, pipeline):
        enrolled(gallery, pipeline, 1)
        (template,) = people.show_person(gallery, "P1").templates

        people.remove_template(gallery, template.id)

        other = Pipeline(FakeDetector(), FakeEmbedder(contract_id="b" * 16))
        assert enroll(gallery, other, "P1", [fake_photo(1)], rule=RULE).n_added == 1


class TestReindex:
    def test_says_what_the_index_holds(self, gallery, pipeline):
        assert reindex(gallery).index_kind == "none"
        enrolled(gallery, pipeline, 1, 2)

        report = reindex(gallery)

        assert (report.n_indexed, report.n_not_compared, report.index_kind) == (2, 0, "exact")
        assert report.file_written
        require_agreement(gallery)

    def test_embeds_again_from_the_stored_crops(self, gallery, pipeline):
        enrolled(gallery, pipeline, 1, 2, 3)
        other = Pipeline(FakeDetector(), FakeEmbedder(48, contract_id="b" * 16))

        report = re_embed(gallery, other.embedder)

        assert (report.n_embedded, report.n_up_to_date, report.failures) == (3, 0, ())
        (found,) = identify(gallery, other, fake_photo(2, 1), rule=RULE)
        assert found.decision.person.name == "P2"
        expected = other.analyze(fake_photo(2))[0].embedding.vector
        with gallery.store.read() as session:
            vectors = TemplateVectors(session).vectors()[1]
        np.testing.assert_allclose(vectors[1], expected, atol=1e-6)
        require_agreement(gallery)
        assert re_embed(gallery, other.embedder).n_up_to_date == 3

    def test_lists_what_cannot_be_embedded_and_leaves_it_out(self, gallery, pipeline):
        enrolled(gallery, pipeline, 1, 2, 3)
        with gallery.store.write() as session:
            raw = session.connection()
            raw.exec_driver_sql("UPDATE crops SET png = x'00' WHERE template_id = 1")
            raw.exec_driver_sql("DELETE FROM crops WHERE template_id = 2")
        other = FakeEmbedder(contract_id="b" * 16)

        report = re_embed(gallery, other)

        assert report.n_embedded == 1
        assert [(f.template_id, f.person) for f in report.failures] == [(1, "P1"), (2, "P2")]
        assert people.show_person(gallery, "P1").n_not_compared == 1
        assert reindex(gallery).n_not_compared == 2

    def test_refuses_crops_of_another_size(self, gallery, pipeline):
        enrolled(gallery, pipeline, 1)
        other = FakeEmbedder(contract_id="b" * 16)
        other.crop_size_px = 128

        (failure,) = re_embed(gallery, other).failures
        assert "128" in failure.error.message

    def test_breaking_off_changes_nothing(self, gallery, pipeline):
        enrolled(gallery, pipeline, 1)

        class StopError(Exception):
            pass

        class StoppingTask:
            def step(self, stage, done, total):
                raise StopError

        with pytest.raises(StopError):
            re_embed(gallery, FakeEmbedder(contract_id="b" * 16), task=StoppingTask())

        assert identify(gallery, pipeline, fake_photo(1, 1), rule=RULE)[0].decision.person


@pytest.fixture
def archive(gallery, pipeline, tmp_path):
    enrolled(gallery, pipeline, 1, 2, shots=(0, 1))
    path = tmp_path / "people.zip"
    export_gallery(gallery, path)
    return path


@pytest.fixture
def other_gallery(tmp_path):
    with open_gallery(tmp_path / "other") as gallery:
        yield gallery


def rewritten(path, change):
    """Write the archive again after ``change(members)``, members being name -> bytes."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def manifest_change(**changes):
    def change(members):
        manifest = json.loads(members[MANIFEST_MEMBER])
        manifest.update(changes)
        members[MANIFEST_MEMBER] = json.dumps(manifest).encode()

    return change


def template_change(**changes):
    def change(members):
        manifest = json.loads(members[MANIFEST_MEMBER])
        manifest["people"][0]["templates"][0].update(changes)
        members[MANIFEST_MEMBER] = json.dumps(manifest).encode()

    return change


def person_change(**changes):
    def change(members):
        manifest = json.loads(members[MANIFEST_MEMBER])
        manifest["people"][0].update(changes)
        members[MANIFEST_MEMBER] = json.dumps(manifest).encode()

    return change


def member_change(name, data):
    def change(members):
        if data is None:
            del members[name]
        else:
            members[name] = data

    return change


def png_of(size):
    stream = io.BytesIO()
    PilImage.new("RGB", size).save(stream, "PNG")
    return stream.getvalue()


BAD_ARCHIVES = {
    "no manifest": member_change(MANIFEST_MEMBER, None),
    "no vectors": member_change(VECTORS_MEMBER, None),
    "no crop": member_change("crops/0.png", None),
    "a member more": member_change("evil.py", b"boom"),
    "a path upwards": member_change("../../evil", b"boom"),
    "manifest is no JSON": member_change(MANIFEST_MEMBER, b"{"),
    "manifest is a list": member_change(MANIFEST_MEMBER, b"[]"),
    "manifest too deep": member_change(MANIFEST_MEMBER, b"[" * 100_000),
    "other format": manifest_change(format="zip"),
    "newer version": manifest_change(version=2),
    "no contract": manifest_change(contract_id=""),
    "contract is a number": manifest_change(contract_id=3),
    "more templates said": manifest_change(n_templates=5),
    "fewer templates said": manifest_change(n_templates=3),
    "negative number": manifest_change(n_templates=-1),
    "truth as number": manifest_change(n_templates=True),
    "wrong dimension": manifest_change(dimension=31),
    "people missing": manifest_change(people=None),
    "people are words": manifest_change(people=["Ada"]),
    "nobody": manifest_change(people=[]),
    "name is none": person_change(name="\u0000"),
    "same person twice": person_change(name="p2"),
    "templates missing": person_change(templates=None),
    "templates are words": person_change(templates=["a"]),
    "template of another": template_change(number=3),
    "template out of range": template_change(number=4),
    "quality": template_change(quality=1.5),
    "quality no number": template_change(quality="high"),
    "box too short": template_change(box=[1, 2, 3]),
    "box infinite": template_change(box=[1, 2, 3, float("inf")]),
    "digest": template_change(sha256="zz" * 32),
    "time": template_change(created_at="yesterday"),
    "size": template_change(height_px="tall"),
    "vectors too short": member_change(VECTORS_MEMBER, b"1234"),
    "vectors not unit": member_change(VECTORS_MEMBER, bytes(4 * 32 * 4)),
    "crop no PNG": member_change("crops/0.png", b"GIF89a"),
    "crop not square": member_change("crops/0.png", png_of((8, 9))),
    "crop too large": member_change("crops/0.png", bytes(2**20 + 1)),
    "bomb": member_change(VECTORS_MEMBER, bytes(2**24)),
}


class TestTransfer:
    def test_an_import_is_what_was_exported(self, gallery, archive, other_gallery, pipeline):
        report = import_gallery(other_gallery, archive)

        assert (report.n_people, report.n_templates, report.skipped) == (2, 4, ())
        assert names(other_gallery) == ["P1", "P2"]
        with gallery.store.read() as a, other_gallery.store.read() as b:
            np.testing.assert_array_equal(
                TemplateVectors(a).vectors()[1], TemplateVectors(b).vectors()[1]
            )
        (found,) = identify(other_gallery, pipeline, fake_photo(2, 9), rule=RULE)
        assert found.decision.person.name == "P2"
        export_gallery(other_gallery, archive.with_name("again.zip"))
        again = read_archive(archive.with_name("again.zip"))
        assert again.templates.keys() == read_archive(archive).templates.keys()

    def test_exports_only_those_named(self, gallery, archive, tmp_path):
        report = export_gallery(gallery, tmp_path / "one.zip", names=["p2"])

        assert (report.n_people, report.n_templates) == (1, 2)
        with pytest.raises(NotFoundError):
            export_gallery(gallery, tmp_path / "none.zip", names=["nobody"])
        assert not (tmp_path / "none.zip").exists()

    def test_an_empty_gallery_travels_too(self, gallery, other_gallery, tmp_path):
        export_gallery(gallery, tmp_path / "empty.zip")

        assert import_gallery(other_gallery, tmp_path / "empty.zip").n_people == 0

    def test_says_when_the_archive_cannot_be_written(self, gallery, tmp_path):
        (tmp_path / "folder.zip").mkdir()
        with pytest.raises(StoreError, match="cannot be written"):
            export_gallery(gallery, tmp_path / "folder.zip")
        with pytest.raises(StoreError, match="cannot be written"):
            export_gallery(gallery, tmp_path / "none" / "a.zip")

        assert sorted(p.name for p in tmp_path.iterdir()) == ["folder.zip", "gallery"]

    def test_names_that_are_taken_are_refused_merged_or_skipped(
        self, gallery, archive, other_gallery, pipeline
    ):
        enrolled(other_gallery, pipeline, 1)

        with pytest.raises(DuplicateError, match="P1"):
            import_gallery(other_gallery, archive)
        assert names(other_gallery) == ["P1"]
        skipped = import_gallery(other_gallery, archive, existing=ExistingPolicy.SKIP)
        merged = import_gallery(other_gallery, archive, existing=ExistingPolicy.MERGE)

        assert (skipped.skipped, skipped.n_templates) == (("P1",), 2)
        assert (merged.n_templates, merged.n_duplicates) == (1, 3)
        assert people.show_person(other_gallery, "P1").person.n_templates == 2

    def test_refuses_vectors_of_another_model(self, archive, other_gallery):
        other = Pipeline(FakeDetector(), FakeEmbedder(contract_id="b" * 16))
        enrolled(other_gallery, other, 9)

        with pytest.raises(EmbeddingMismatchError, match="another model"):
            import_gallery(other_gallery, archive)

    @pytest.mark.parametrize("what", BAD_ARCHIVES)
    def test_refuses_a_bad_archive_and_changes_nothing(self, archive, other_gallery, what):
        rewritten(archive, BAD_ARCHIVES[what])

        with pytest.raises(InputError):
            import_gallery(other_gallery, archive)

        assert names(other_gallery) == []

    @pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
    def test_refuses_two_members_of_one_name(self, archive, other_gallery):
        with zipfile.ZipFile(archive, "a") as members:
            members.writestr(MANIFEST_MEMBER, b"{}")

        with pytest.raises(InputError, match="same name"):
            import_gallery(other_gallery, archive)

    @pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04" + bytes(100)])
    def test_refuses_what_is_no_archive(self, tmp_path, content):
        (tmp_path / "a.zip").write_bytes(content)
        with pytest.raises(InputError):
            read_archive(tmp_path / "a.zip")

    def test_refuses_a_member_whose_name_is_no_text(self, tmp_path):
        path = tmp_path / "a.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("\u00e4.txt", b"")
        path.write_bytes(path.read_bytes().replace("\u00e4".encode(), b"\x8a\x8a"))
        with pytest.raises(InputError, match="no zip file, or damaged"):
            read_archive(path)

    def test_refuses_what_is_missing_damaged_or_a_folder(self, archive, tmp_path):
        with pytest.raises(InputError, match="no archive"):
            read_archive(tmp_path / "none.zip")
        with pytest.raises(InputError):
            read_archive(tmp_path)
        data = bytearray(archive.read_bytes())
        data[200] ^= 0xFF
        archive.write_bytes(data)
        with pytest.raises(InputError):
            read_archive(archive)


def test_pixels_and_files_have_digests_of_their_own(tmp_path):
    path = tmp_path / "a.png"
    PilImage.fromarray(fake_photo(1)).save(path)

    from_file, from_bytes = read_source(path), read_source(path.read_bytes())
    from_array, from_pil = read_source(fake_photo(1)), read_source(PilImage.open(path))

    assert from_file.sha256 == from_bytes.sha256 != from_array.sha256 == from_pil.sha256
    assert (from_file.name, from_bytes.name, from_array.name) == ("a.png", "", "")
