"""`detect`, `align`, `models` and `demo` with the real networks."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers import photos
from tests.helpers.command_line import CommandLine


@pytest.fixture
def folder(tmp_path: Path, faceless: Path) -> Path:
    (tmp_path / "in" / "women").mkdir(parents=True)
    shutil.copy(photos.astronaut(), tmp_path / "in" / "women")
    shutil.copy(photos.grace_hopper(), tmp_path / "in")
    shutil.copy(faceless, tmp_path / "in" / "ramp.png")
    return tmp_path / "in"


def test_detecting_says_where_the_faces_are(run: CommandLine, crowded: Path) -> None:
    text = run("detect", crowded)
    faces = run("detect", crowded, "--json").json["images"][0]["faces"]

    assert text.code == 0
    assert "2 faces" in text.out
    assert len(faces) == 2
    middles = sorted((face["box_xyxy"][0] + face["box_xyxy"][2]) / 2 for face in faces)
    assert middles[0] < 512
    assert middles[1] > 600
    assert all(np.shape(face["landmarks"]) == (5, 2) for face in faces)


def test_smallest_face_is_a_setting(run: CommandLine) -> None:
    at_40 = run("detect", photos.astronaut(), "--json").json["images"][0]["faces"]
    at_300 = run("detect", photos.astronaut(), "--min-face", 300, "--json").json["images"][0]

    # Hers is 90 pixels wide; the setting is not exact, since boxes are refined afterwards.
    assert len(at_40) == 1
    assert at_300["faces"] == []


def test_detecting_in_a_folder_ends_with_zero_when_anything_was_read(
    run: CommandLine, folder: Path, corrupt: Path, tmp_path: Path
) -> None:
    shutil.copy(corrupt, folder / "z.jpg")

    answer = run("detect", folder, "--annotate", tmp_path / "marked")
    only_corrupt = run("detect", corrupt)

    assert answer.code == 0
    assert "1 of 4 images could not be read." in answer.out
    assert (tmp_path / "marked" / "women" / "astronaut.jpg").is_file()
    assert only_corrupt.code == 1


def test_aligning_writes_crops_and_keeps_the_reasons(
    run: CommandLine, folder: Path, tmp_path: Path
) -> None:
    answer = run("align", folder, tmp_path / "out", "--processes", 2, "--json")

    summary = answer.json["summary"]
    assert answer.code == 0
    assert (summary["n_done"], summary["n_refused"], summary["n_skipped"]) == (2, 1, 0)
    assert summary["refusals"] == {"ramp.png": "No face was found."}
    with Image.open(tmp_path / "out" / "women" / "astronaut.png") as crop:
        assert crop.size == (112, 112)


def test_aligning_again_does_only_what_is_new(
    run: CommandLine, folder: Path, tmp_path: Path, darker_astronaut: Path
) -> None:
    run("align", folder, tmp_path / "out", "--processes", 1)
    before = (tmp_path / "out" / "grace_hopper.png").stat().st_mtime_ns
    shutil.copy(darker_astronaut, folder / "new.jpg")

    answer = run("align", folder, tmp_path / "out", "--processes", 1, "--json")

    assert answer.json["summary"]["n_skipped"] == 3
    assert answer.json["summary"]["n_done"] == 3
    assert (tmp_path / "out" / "grace_hopper.png").stat().st_mtime_ns == before
    assert (tmp_path / "out" / "new.png").is_file()


def test_aligning_into_crops_of_other_options_is_refused(
    run: CommandLine, folder: Path, tmp_path: Path
) -> None:
    run("align", folder, tmp_path / "out", "--processes", 1)

    answer = run("align", folder, tmp_path / "out", "--pad", 0.5)

    assert answer.code == 1
    assert "other options" in answer.err


def test_tight_crop_is_found_with_a_border(run: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "tight").mkdir()
    with Image.open(photos.astronaut()) as image:
        head = image.convert("RGB").crop((175, 70, 275, 180)).resize((128, 140))
    head.save(tmp_path / "tight" / "head.png")

    padded = run("align", tmp_path / "tight", tmp_path / "b", "--pad", 0.5, "--processes", 1)

    assert padded.code == 0
    with Image.open(tmp_path / "b" / "head.png") as crop:
        assert np.asarray(crop).mean() > 40  # not the black border


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to another process there")
def test_interrupted_aligning_is_cancelled_and_goes_on_later(
    run: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    for number in range(60):
        shutil.copy(photos.astronaut(), tmp_path / "in" / f"{number:02}.png")
    command = [sys.executable, "-m", "facerec", "align", str(tmp_path / "in")]
    process = subprocess.Popen(
        [*command, str(tmp_path / "out"), "--processes", "1"], stderr=subprocess.PIPE, text=True
    )
    journal = tmp_path / "out" / "aligned.jsonl"
    deadline = time.monotonic() + 120
    while not (journal.exists() and len(journal.read_text().splitlines()) > 2):
        assert time.monotonic() < deadline
        time.sleep(0.02)

    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=60)
    finished = len(journal.read_text().splitlines()) - 1
    answer = run("align", tmp_path / "in", tmp_path / "out", "--processes", 1, "--json")

    assert process.returncode == 130
    assert complaint.strip() == "facerec: cancelled."
    assert 0 < finished < 60
    assert answer.json["summary"]["n_skipped"] == finished
    assert answer.json["summary"]["n_done"] == 60


def test_models_are_listed_shown_and_verified(run: CommandLine) -> None:
    assert "mtcnn" in run("models", "list").out
    assert run("models", "info", "mtcnn", "--json").json["licence"]
    assert "threshold" in run("models", "info", _default_model(run)).out
    verified = run("models", "verify", "--json")
    assert verified.code == 0
    assert all(entry["ok"] for entry in verified.json["files"])


def _default_model(run: CommandLine) -> str:
    models = run("models", "list", "--json").json["models"]
    return next(m["name"] for m in models if m["task"] == "embed" and m["default"])


def test_damaged_model_file_is_found(run: CommandLine, home: Path) -> None:
    if (home / "models").is_symlink():
        (home / "models").unlink()
    (home / "models").mkdir()
    manifest = Path("models/manifest.toml")
    text = (photos.ROOT / manifest).read_text().replace('name = "mtcnn"', 'name = "copy"')
    (home / "models" / "manifest.toml").write_text(text)
    for path in (photos.ROOT / "models").glob("*.onnx"):
        (home / "models" / path.name).write_bytes(path.read_bytes()[:-1] + b"x")

    answer = run("models", "verify", "copy", "--json")

    assert answer.code == 1
    assert not any(entry["ok"] for entry in answer.json["files"])


def test_demo_names_the_person_and_refuses_strangers(run: CommandLine, tmp_path: Path) -> None:
    photos.obama(3)  # skips when the photographs are not there

    answer = run("demo", "--photos", photos.FOLDER, "--out", tmp_path / "out" / "sheet.png")
    as_json = run("demo", "--photos", photos.FOLDER, "--out", tmp_path / "sheet.png", "--json")

    assert answer.code == 0
    assert "WRONG" not in answer.out
    verdicts = {
        entry["photo"]: [decision["verdict"] for decision in entry["decisions"]]
        for entry in json.loads(as_json.out)["answers"]
    }
    assert verdicts["obama2.jpg"] == verdicts["obama3.jpg"] == ["known"]
    for stranger in ("biden.jpg", "astronaut.png", "grace_hopper.jpg"):
        assert verdicts[stranger] == ["unknown"]
    with Image.open(tmp_path / "out" / "sheet.png") as sheet:
        assert sheet.width > 1000
