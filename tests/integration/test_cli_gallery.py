"""`enroll`, `identify` and `gallery` with the real networks and a real gallery."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.helpers import photos
from tests.helpers.command_line import CommandLine


@pytest.fixture
def gallery(run: CommandLine, tmp_path: Path) -> Path:
    """A gallery that knows the astronaut."""
    folder = tmp_path / "gallery"
    assert run("enroll", "Eileen", photos.astronaut(), "--gallery", folder).code == 0
    return folder


def test_enrolling_says_what_became_of_each_image(
    run: CommandLine, tmp_path: Path, corrupt: Path, faceless: Path, crowded: Path
) -> None:
    answer = run(
        "enroll", "Grace", photos.grace_hopper(), corrupt, faceless, crowded,
        "--gallery", tmp_path / "g",
    )  # fmt: skip

    lines = answer.out.splitlines()
    assert answer.code == 0
    assert lines[0] == "Grace: enrolled, 1 of 4 images added."
    assert [line.split(": refused")[0].strip() for line in lines[1:]] == [
        str(corrupt), str(faceless), str(crowded)
    ]  # fmt: skip


def test_enrolling_nobody_ends_with_one(run: CommandLine, tmp_path: Path, faceless: Path) -> None:
    answer = run("enroll", "Grace", faceless, "--gallery", tmp_path / "g", "--json")

    assert answer.code == 1
    assert answer.json["enrolled"] is False
    assert answer.json["images"][0]["error"]["code"] == "no_face"


def test_conflict_is_shown_before_anything_is_saved(
    run: CommandLine, gallery: Path, darker_astronaut: Path
) -> None:
    refused = run("enroll", "Somebody", darker_astronaut, "--gallery", gallery)
    people = run("gallery", "list", "--gallery", gallery, "--json").json["people"]
    allowed = run("enroll", "Somebody", darker_astronaut, "--gallery", gallery, "--allow-conflict")

    assert refused.code == 1
    assert "looks like Eileen" in refused.out
    assert [person["name"] for person in people] == ["Eileen"]
    assert allowed.code == 0
    assert "although it looks like Eileen" in allowed.out


def test_folder_is_enrolled_a_person_at_a_time(
    run: CommandLine, tmp_path: Path, corrupt: Path
) -> None:
    for name, path in (("Eileen", photos.astronaut()), ("Grace", photos.grace_hopper())):
        (tmp_path / "people" / name).mkdir(parents=True)
        shutil.copy(path, tmp_path / "people" / name)
    (tmp_path / "people" / "Nobody").mkdir()
    shutil.copy(corrupt, tmp_path / "people" / "Nobody")

    text = run("enroll", "--folder", tmp_path / "people", "--gallery", tmp_path / "a")
    as_json = run("enroll", "--folder", tmp_path / "people", "--gallery", tmp_path / "b", "--json")

    assert text.code == as_json.code == 0
    assert text.out.splitlines()[-1] == (
        "2 of 3 people are in the gallery; 1 of 3 images were refused."
    )
    assert [line.get("name") for line in as_json.json_lines[:-1]] == ["Eileen", "Grace", "Nobody"]
    assert as_json.json_lines[-1]["summary"]["people_done"] == 2


@pytest.mark.parametrize("arguments", [[], ["Ada"], ["Ada", "a.jpg", "--folder", "x"]])
def test_enrolling_wants_a_name_or_a_folder(run: CommandLine, arguments: list[str]) -> None:
    assert run("enroll", *arguments).code == 2


def test_enrolled_person_is_named_and_a_stranger_is_not(
    run: CommandLine, gallery: Path, darker_astronaut: Path
) -> None:
    known = run("identify", darker_astronaut, "--gallery", gallery)
    stranger = run("identify", photos.grace_hopper(), "--gallery", gallery, "--json")

    assert known.code == 0
    assert ": Eileen: the score reaches the threshold" in known.out
    assert stranger.code == 3
    (face,) = stranger.json["images"][0]["faces"]
    assert face["decision"]["verdict"] == "unknown"
    assert face["decision"]["reason"] == "below_threshold"
    assert face["decision"]["candidates"][0]["name"] == "Eileen"


def test_every_face_of_a_crowd_is_answered(
    run: CommandLine, gallery: Path, crowded: Path, tmp_path: Path
) -> None:
    marked = tmp_path / "out" / "marked.png"

    answer = run("identify", crowded, "--gallery", gallery, "--annotate", marked)

    assert answer.code == 0
    assert "face 1 of 2" in answer.out
    assert "Eileen" in answer.out
    assert "unknown" in answer.out
    with Image.open(marked) as image, Image.open(crowded) as original:
        assert image.size == original.size
        assert np.any(np.asarray(image.convert("RGB")) != np.asarray(original.convert("RGB")))


@pytest.mark.parametrize("kind", ["missing", "corrupt", "faceless"])
def test_image_that_cannot_be_answered_ends_with_one(
    run: CommandLine, gallery: Path, request: pytest.FixtureRequest, kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "missing.jpg" if kind == "missing" else request.getfixturevalue(kind)

    answer = run("identify", path, "--gallery", gallery)

    assert answer.code == 1
    assert len(answer.err.strip().splitlines()) == 1


def test_folder_with_a_broken_image_is_still_answered(
    run: CommandLine, gallery: Path, tmp_path: Path, corrupt: Path
) -> None:
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    shutil.copy(photos.astronaut(), folder / "deep" / "a.png")
    shutil.copy(photos.grace_hopper(), folder / "b.jpg")
    shutil.copy(corrupt, folder / "c.jpg")

    answer = run("identify", folder, "--gallery", gallery, "--annotate", tmp_path / "marked")

    assert answer.code == 0
    assert "Eileen: in 1 image\n" in answer.out
    assert "3 images looked at; 1 could not be read." in answer.out
    written = (tmp_path / "marked").rglob("*.jpg")
    assert sorted(path.name for path in written) == ["a.jpg", "b.jpg"]
    assert (tmp_path / "marked" / "deep" / "a.jpg").is_file()


def test_video_is_answered_frame_by_frame(run: CommandLine, gallery: Path, tmp_path: Path) -> None:
    path = tmp_path / "video.avi"
    with Image.open(photos.astronaut()) as image:
        frame = np.asarray(image.convert("RGB"))[:, :, ::-1]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 5.0, (512, 512))
    for _ in range(10):
        writer.write(frame)
    writer.release()

    answer = run("identify", path, "--gallery", gallery, "--every", 1, "--json")

    assert answer.code == 0
    assert [image["time_s"] for image in answer.json["images"]] == [0.0, 1.0]
    assert {image["faces"][0]["decision"]["person"]["name"] for image in answer.json["images"]} == {
        "Eileen"
    }


def test_identifying_without_a_gallery_says_how_to_begin(run: CommandLine, tmp_path: Path) -> None:
    answer = run("identify", photos.astronaut(), "--gallery", tmp_path / "none")

    assert answer.code == 1
    assert "facerec enroll" in answer.err
    assert not (tmp_path / "none").exists()


def test_gallery_is_looked_at_and_changed(run: CommandLine, gallery: Path, tmp_path: Path) -> None:
    run("enroll", "Grace", photos.grace_hopper(), "--gallery", gallery)
    where = ("--gallery", gallery)

    assert "2 people in" in run("gallery", "list", *where).out
    assert "astronaut.png" in run("gallery", "show", "eileen", *where).out
    renamed = run("gallery", "rename", "Eileen", "Eileen Collins", *where, "--json")
    assert renamed.json["person"]["name"] == "Eileen Collins"
    exported = run("gallery", "export", tmp_path / "all.zip", *where)
    assert "2 people with 2 templates" in exported.out
    merged = run("gallery", "merge", "Grace", "Eileen Collins", *where)
    assert "2 templates" in merged.out
    templates = run("gallery", "show", "Eileen Collins", *where, "--json").json["templates"]
    assert run("gallery", "remove-template", templates[1]["id"], *where).code == 0
    assert "with 1 template" in run("gallery", "remove", "Eileen Collins", *where).out
    assert run("gallery", "list", *where, "--json").json["people"] == []
    imported = run("gallery", "import", tmp_path / "all.zip", *where)
    assert "Imported 2 people with 2 templates" in imported.out
    again = run("gallery", "import", tmp_path / "all.zip", *where)
    assert again.code == 1
    assert "--existing" in again.err
    skipped = run("gallery", "import", tmp_path / "all.zip", *where, "--existing", "skip")
    assert "Passed over" in skipped.out
    assert "The index holds 2 templates" in run("gallery", "reindex", *where).out
    embedded = run("gallery", "reindex", "--re-embed", *where)
    assert "2 were up to date" in embedded.out


def test_gallery_changes_are_undone_redone_listed_and_erased(
    run: CommandLine, gallery: Path, tmp_path: Path
) -> None:
    run("enroll", "Grace", photos.grace_hopper(), "--gallery", gallery)
    where = ("--gallery", gallery)

    assert "undo" in run("gallery", "merge", "Grace", "Eileen", *where).out
    numbers = [
        template["id"]
        for template in run("gallery", "show", "Eileen", *where, "--json").json["templates"]
    ]
    split = run("gallery", "split", numbers[1], "--to", "Admiral", *where)
    assert "Admiral was split from Eileen with 1 template." in split.out
    assert "set aside" in run("gallery", "set-aside", numbers[0], *where).out
    assert "set aside" in run("gallery", "show", "Eileen", *where).out
    assert "1 template set aside" in run("gallery", "reindex", *where).out
    back = run("gallery", "set-aside", numbers[0], "--back", *where, "--json")
    assert back.json == {"n_changed": 1, "back": True}
    moved = run("gallery", "move", numbers[1], "--to", "Eileen", *where)
    assert "Eileen was given 1 template, and has 2 now." in moved.out
    assert "Undone: Moved 1 template" in run("gallery", "undo", *where).out
    assert "Done again: Moved 1 template" in run("gallery", "redo", *where).out
    removed = run("gallery", "remove", "Eileen", *where, "--keep-days", 5)
    assert "For 5 days, facerec gallery undo takes this back" in removed.out
    steps = run("gallery", "history", "--limit", 3, *where, "--json").json["steps"]
    assert [step["kind"] for step in steps] == ["remove", "move", "take_back"]
    refused = run("gallery", "undo", steps[1]["id"], *where)
    assert (refused.code, "builds on it" in refused.err) == (1, True)
    assert run("gallery", "undo", *where, "--json").json["step"]["is_undone"] is True
    assert "undone" in run("gallery", "history", *where).out
    erased = run("gallery", "erase", "Eileen", "--yes", *where)
    assert "erased for good: 2 templates" in erased.out
    assert run("gallery", "list", *where, "--json").json["people"][0]["name"] == "Admiral"


@pytest.mark.parametrize("command", ["show", "remove"])
def test_unknown_person_is_one_sentence(run: CommandLine, gallery: Path, command: str) -> None:
    answer = run("gallery", command, "Nobody", "--gallery", gallery, "--json")

    assert answer.code == 1
    assert answer.json["error"]["code"] == "not_found"


def test_doctor_finds_a_whole_and_a_damaged_gallery(run: CommandLine, gallery: Path) -> None:
    whole = run("doctor", "--gallery", gallery, "--json").json
    (gallery / "gallery.db").write_bytes(b"no database at all")
    damaged = run("doctor", "--gallery", gallery, "--json").json

    states = [
        next(c["state"] for c in answer["checks"] if c["group"] == "gallery")
        for answer in (whole, damaged)
    ]
    assert states == ["ok", "problem"]


def test_settings_choose_the_gallery(
    run: CommandLine, gallery: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACEREC__STORE__GALLERY", str(gallery))

    assert run("gallery", "list", "--json").json["gallery"] == str(gallery)
