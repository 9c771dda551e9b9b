"""`facerec evaluate groups` from files to figures, with a toy model and painted people."""

from __future__ import annotations

import csv
import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facerec.cli.main import main
from facerec.detect.base import DETECTORS
from facerec.embed.base import open_embedder
from facerec.imaging.read import read_image
from tests.helpers.fakes import FakeDetector, fake_photo, write_toy_model


@pytest.fixture(autouse=True)
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    write_toy_model(home / "models")
    monkeypatch.setenv("FACEREC_HOME", str(home))
    monkeypatch.setitem(
        DETECTORS._entries, "fake", lambda *, device, n_threads, min_face_px: FakeDetector()
    )
    monkeypatch.setenv("FACEREC__DETECT__DETECTOR", "fake")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Crops of 24 images of 8 painted people, one of them twice, one without labels."""
    folder = tmp_path / "people"
    folder.mkdir()
    for person in range(8):
        for shot in range(3):
            name = f"{10 * person}_{person % 2}_{person % 5}_2017{shot}.png"
            Image.fromarray(fake_photo(person, shot, 112)).save(folder / name)
    (folder / "1_0_0_20209.png").write_bytes((folder / "0_0_0_20170.png").read_bytes())
    (folder / "ada.png").write_bytes((folder / "0_0_0_20170.png").read_bytes())
    return folder


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main(["evaluate", "groups", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_rates_are_those_of_the_images_pair_by_pair(people, capsys, tmp_path) -> None:
    code, out, err = run(capsys, people, "--aligned", "--json", "--scores", "--out", "report")
    answer = json.loads(out)
    assert code == 0, err
    assert answer["images"] == 24
    assert "1 of them without labels in their names and 1 the same file again" in answer["remarks"]
    assert "may have been trained on" in answer["remarks"]
    paths = sorted(path for path in people.iterdir() if path.name != "ada.png")
    paths.remove(people / "1_0_0_20209.png")
    vectors = open_embedder("default").embed_vectors(np.stack([read_image(p) for p in paths]))
    found = {}
    for i, j in combinations(range(24), 2):
        sexes = [("male", "female")[int(paths[at].name.split("_")[1])] for at in (i, j)]
        cell = found.setdefault(tuple(sorted(sexes, reverse=True)), [0, 0])
        cell[0] += bool(vectors[i] @ vectors[j] >= 0.6)
        cell[1] += 1
    for rate in answer["rates"]:
        if rate["attribute"] == "sex":
            errors, trials = found[tuple(sorted((rate["group"], rate["with"]), reverse=True))]
            assert (rate["fmr"]["errors"], rate["fmr"]["trials"]) == (errors, trials)
            assert rate["fmr"]["low"] <= rate["fmr"]["rate"] <= rate["fmr"]["high"]
    assert answer["overall"]["errors"] == sum(errors for errors, _ in found.values()) > 0
    with (tmp_path / "report" / "scores.csv").open() as stream:
        assert len(list(csv.DictReader(stream))) == answer["overall"]["errors"]
    html = (tmp_path / "report" / "report.html").read_text()
    assert "False match rate by ethnicity" in html
    assert "no aligned crop" not in html


def test_only_listed_images_are_taken_and_faces_are_found_when_they_are_no_crops(
    people, capsys, tmp_path
) -> None:
    listed = sorted(path.stem for path in people.glob("*_20170.png"))
    (tmp_path / "only.txt").write_text("\n".join(f"elsewhere/{name}.jpg" for name in listed))
    code, out, _ = run(capsys, people, "--only", "only.txt", "--json")
    answer = json.loads(out)
    assert code == 0
    assert answer["images"] == 8
    assert answer["only"] == "only.txt"
    assert "Only images of the list only.txt were taken" in answer["remarks"]
    sizes = {(one["attribute"], one["group"]): one["images"] for one in answer["sizes"]}
    assert sizes["sex", "male"] == 4
    assert sizes["age", "60 and over"] == 2
    grown = json.loads(run(capsys, people, "--only", "only.txt", "--min-age", 40, "--json")[1])
    assert grown["images"] == 4
    assert "Nobody younger than 40 was taken" in grown["remarks"]
    code, out, _ = run(capsys, people, "--only", "only.txt")
    assert "FMR, sex: female" in out
    assert "upper bounds" in out


def test_a_crop_of_another_size_is_a_failure_and_counted(people, capsys) -> None:
    Image.fromarray(fake_photo(3, 9, 100)).save(people / "33_0_0_20171.png")
    answer = json.loads(run(capsys, people, "--aligned", "--json")[1])
    assert answer["images"] == 25
    (failure,) = answer["failures"]
    assert failure["reason"] == "It is no aligned crop of 112 pixels a side."
    sizes = {(one["attribute"], one["group"]): one["without_face"] for one in answer["sizes"]}
    assert sizes["age", "30 to 44"] == 1


def test_mistakes_get_one_sentence(people, capsys, tmp_path) -> None:
    (tmp_path / "only.txt").write_text("nobody.png\n")
    for arguments, message in [
        ((people, "--only", "only.txt"), "0 of these can be taken; two are needed"),
        ((people, "--only", "none.txt"), "none.txt cannot be read"),
        ((people, "--model", "toy"), "has no threshold on a card"),
        ((people, "--fmr", "1e-9"), "no threshold for a false match rate of 1e-09"),
    ]:
        code, out, err = run(capsys, *arguments)
        assert (code, out) == (1, "")
        assert message in err
        assert err.count("\n") == 1
