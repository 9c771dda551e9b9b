"""`facerec evaluate` from arguments to files, with a toy model and painted people."""

from __future__ import annotations

import csv
import io
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facerec.cli.main import main
from facerec.detect.base import DETECTORS
from facerec.services import evaluate as service
from facerec.services import evaluation_tools
from tests.helpers.fakes import FakeDetector, fake_photo, write_toy_model

N_PEOPLE, N_SHOTS, N_FOLDS = 12, 3, 10


@pytest.fixture(autouse=True)
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home with a toy model as default, and a detector that finds painted faces."""
    home = tmp_path / "home"
    write_toy_model(home / "models")
    monkeypatch.setenv("FACEREC_HOME", str(home))
    monkeypatch.delenv("FACEREC_LFW", raising=False)
    monkeypatch.setitem(
        DETECTORS._entries, "fake", lambda *, device, n_threads, min_face_px: FakeDetector()
    )
    monkeypatch.setenv("FACEREC__DETECT__DETECTOR", "fake")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def lfw(tmp_path: Path) -> Path:
    """A tiny LFW in which one image shows no face."""
    root = tmp_path / "lfw"
    for person in range(N_PEOPLE):
        folder = root / "images" / f"P{person:02d}"
        folder.mkdir(parents=True)
        for shot in range(1, N_SHOTS + 1):
            photo = fake_photo(person, shot, 112)
            Image.fromarray(photo).save(folder / f"P{person:02d}_{shot:04d}.png")
    Image.fromarray(np.full((60, 60, 3), 80, np.uint8)).save(
        root / "images" / "P03" / "P03_0002.png"
    )
    lines = [f"{N_FOLDS}\t3"]
    for fold in range(N_FOLDS):
        people = [(fold + step) % N_PEOPLE for step in range(3)]
        lines += [f"P{one:02d}\t1\t{2 + fold % 2}" for one in people]
        lines += [f"P{one:02d}\t1\tP{(one + 5) % N_PEOPLE:02d}\t2" for one in people]
    (root / "pairs.txt").write_text("\n".join(lines) + "\n")
    return root


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main(["evaluate", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_lfw_gives_report_and_json_with_the_accuracy_as_a_fraction(lfw, capsys, tmp_path) -> None:
    code, out, _ = run(capsys, "lfw", "--data", lfw, "--json", "--scores", "--out", "report")
    answer = json.loads(out)
    stored = json.loads((tmp_path / "report" / "report.json").read_text())
    assert code == 0
    assert 0.5 < answer["accuracy"] < 1
    assert stored["accuracy"] == answer["accuracy"]
    assert len(stored["folds"]) == N_FOLDS
    assert stored["with_mirror"]["accuracy"] is not None
    assert (stored["n_same"], stored["n_different"]) == (30, 30)
    assert stored["failures"] == [{"image": "P03/P03_0002.png", "reason": "No face was found."}]
    assert stored["n_failed_same"] + stored["n_failed_different"] >= 2
    assert stored["at_thresholds"][0]["threshold"] == 0.6
    assert stored["at_fmr"][-1]["tar"] is None
    assert "not measurable" in stored["at_fmr"][-1]["reason"]
    assert stored["measured"]["Detector"].startswith("fake")
    assert "curve" in stored
    assert "curve" not in answer
    # The figure again, from the scores in the CSV file, in plain loops.
    with (tmp_path / "report" / "scores.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 60
    scores = [float(row["score"]) if row["score"] else -np.inf for row in rows]
    accuracies = []
    for fold in range(N_FOLDS):
        held = range(6 * fold, 6 * fold + 6)
        rest = [at for at in range(60) if at not in held]

        def right(places, threshold):
            return sum(
                scores[at] > -np.inf and (scores[at] >= threshold) == (rows[at]["same"] == "1")
                for at in places
            )

        best = max((1 - step * 0.005 for step in range(400)), key=lambda t: right(rest, t))
        accuracies.append(right(held, best) / 6)
    assert answer["accuracy"] == pytest.approx(np.mean(accuracies))


def test_text_names_the_failures_and_the_report(lfw, capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("FACEREC_LFW", str(lfw))
    code, out, _ = run(capsys, "lfw", "--no-mirror")
    assert code == 0
    assert "Accuracy, one image a face" in out
    assert "with mirror" not in out
    assert "P03/P03_0002.png: No face was found." in out
    assert "No pair is dropped" in out
    html = (tmp_path / "facerec-report" / "lfw" / "report.html").read_text()
    assert "P03/P03_<wbr>0002.png" in html
    assert "data:image/jpeg" in html
    assert not (tmp_path / "facerec-report" / "lfw" / "scores.csv").exists()
    assert (
        json.loads((tmp_path / "facerec-report" / "lfw" / "report.json").read_text())["with_mirror"]
        is None
    )


def test_images_of_people_stay_out_on_request(lfw, capsys, tmp_path) -> None:
    run(capsys, "lfw", "--data", lfw, "--no-images")
    html = (tmp_path / "facerec-report" / "lfw" / "report.html").read_text()
    assert "data:image" not in html
    assert "P03/P03_<wbr>0002.png" in html


def test_cache_lies_in_the_cache_folder_and_only_when_asked_for(lfw, capsys, tmp_path) -> None:
    detector = FakeDetector()
    DETECTORS._entries["fake"] = lambda *, device, n_threads, min_face_px: detector
    folder = tmp_path / "home" / "cache" / "evaluate"
    run(capsys, "lfw", "--data", lfw)
    assert not folder.exists()
    code, first, err = run(capsys, "lfw", "--data", lfw, "--json", "--cache")
    assert code == 0, err
    n_calls = detector.n_calls
    _, again, _ = run(capsys, "lfw", "--data", lfw, "--json", "--cache")
    assert detector.n_calls == n_calls
    assert len(list(folder.iterdir())) == 1
    assert json.loads(first)["accuracy"] == json.loads(again)["accuracy"]


def test_several_crops_and_networks_stand_beside_with_what_they_buy_and_cost(
    lfw, capsys, tmp_path, monkeypatch
) -> None:
    write_toy_model(tmp_path / "home" / "models", name="second", dimension=8, scale=2.0)
    monkeypatch.setattr("facerec.evaluate.gain.N_ROUNDS", 1)
    code, out, _ = run(
        capsys, "lfw", "--data", lfw, "--json", "--model", "default", "--model", "second",
        "--crops", 5, "--no-images",
    )  # fmt: skip
    answer = json.loads(out)
    names = [one["name"] for one in answer["beside"]]
    assert code == 0
    assert names == [
        "with mirror averaging", "5 crops a face", "second alone", "2 networks",
        "all of it together",
    ]  # fmt: skip
    assert answer["beside"][0]["accuracy"] == answer["with_mirror"]["accuracy"]
    for one in answer["beside"]:
        assert one["gain"]["mean"] == pytest.approx(one["accuracy"] - answer["accuracy"])
        assert one["cost"]["ratio"] > 0
    assert answer["beside"][-1]["cost"]["ratio"] > 3  # (20 crops for 1)
    # Each network alone reaches what it reaches when nobody else is there.
    _, out, _ = run(capsys, "lfw", "--data", lfw, "--json", "--model", "second", "--no-mirror")
    alone = json.loads(out)
    assert alone["accuracy"] == answer["beside"][2]["accuracy"]
    assert alone["beside"] == []
    html = (tmp_path / "facerec-report" / "lfw" / "report.html").read_text()
    assert "points against" not in html


def test_gain_and_cost_are_printed(lfw, capsys) -> None:
    code, out, _ = run(capsys, "lfw", "--data", lfw, "--crops", 5, "--no-mirror", "--no-images")
    assert code == 0
    assert "5 crops a face" in out
    assert "points against one image a face (standard deviation of the difference" in out
    assert "times the time (quartiles" in out
    assert "all of it together" not in out


def test_accuracies_of_embedders_are_those_of_the_command(lfw, capsys) -> None:
    from facerec.embed.base import open_embedder

    embedders = {"a": open_embedder("default"), "b": open_embedder("default", mirror=True)}
    folds = service.accuracies_on_lfw(lfw, embedders, detector="fake")
    _, out, _ = run(capsys, "lfw", "--data", lfw, "--json", "--no-images")
    answer = json.loads(out)
    assert list(folds) == ["a", "b"]
    assert folds["a"].mean == answer["accuracy"]
    assert folds["b"].mean == answer["with_mirror"]["accuracy"]


def test_own_pairs_without_folds_are_judged_at_the_threshold_of_the_card(lfw, capsys) -> None:
    table = lfw / "images" / "own.csv"
    table.write_text(
        "a,b,same\nP00/P00_0001.png,P00/P00_0002.png,1\nP00/P00_0001.png,P01/P01_0001.png,0\n"
    )
    code, out, _ = run(capsys, "pairs", table, "--json")
    answer = json.loads(out)
    assert code == 0
    assert answer["folds"] is None
    assert answer["accuracy"] == answer["at_thresholds"][0]["accuracy"]
    code, out, _ = run(capsys, "pairs", table)
    assert "at threshold 0.600" in out


def test_a_registered_embedder_without_card_is_measured_without_thresholds(lfw, capsys) -> None:
    table = lfw / "images" / "own.csv"
    table.write_text(
        "a,b,same\nP00/P00_0001.png,P00/P00_0002.png,1\nP00/P00_0001.png,P01/P01_0001.png,0\n"
    )
    code, out, _ = run(capsys, "pairs", table, "--json", "--model", "toy-code")
    assert code == 1
    assert json.loads(out)["error"]["code"] == "not_found"
    code, out, _ = run(capsys, "pairs", table, "--model", "toy", "--json")
    assert code == 0
    answer = json.loads(out)
    assert answer["accuracy"] is None
    assert answer["at_thresholds"] == []
    assert run(capsys, "pairs", table, "--model", "toy")[0] == 0
    code, out, _ = run(capsys, "folder", lfw, "--model", "toy", "--json")
    assert code == 0
    assert json.loads(out)["identification"]["at_thresholds"] == []


@pytest.mark.parametrize("mirror", [False, True])
def test_folder_measures_identification_and_all_pairs(lfw, capsys, tmp_path, mirror) -> None:
    code, out, _ = run(
        capsys, "folder", lfw, "--enrol", 4, "--seed", 3, "--json", "--scores",
        "--mirror" if mirror else "--no-mirror",
    )  # fmt: skip
    answer = json.loads(out)
    identification = answer["identification"]
    assert code == 0
    assert answer["mirror"] is mirror
    assert identification["gallery_size"] == 4
    assert identification["n_mated_probes"] == 8
    assert identification["n_nonmated_probes"] == 24
    assert identification["n_nonmated_people"] == 8
    assert 0 <= identification["rank_1_closed_set"]["rate"] <= 1
    (at_card,) = identification["at_thresholds"]
    assert at_card["predicted_fpir"] == pytest.approx(1 - 0.999**4)
    assert answer["verification"]["n_same"] == 36
    assert answer["verification"]["n_different"] == 594
    html = (tmp_path / "facerec-report" / "lfw" / "report.html").read_text()
    for said in ("gallery of 4", "closed-set", "seed 3", "Strangers most like somebody enrolled"):
        assert said in html
    with (tmp_path / "facerec-report" / "lfw" / "scores.csv").open() as stream:
        assert len(list(csv.DictReader(stream))) == 24 + 36


def test_folder_draws_the_same_people_with_the_same_seed(lfw, capsys) -> None:
    answers = [
        json.loads(run(capsys, "folder", lfw, "--seed", seed, "--json")[1]) for seed in (1, 1, 2)
    ]
    for answer in answers:
        del answer["report"], answer["measured"]
    assert answers[0] == answers[1]
    assert answers[0] != answers[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lfw"], "No folder with Labeled Faces in the Wild was named"),
        (["lfw", "--data", "nowhere"], "There is no folder nowhere"),
        (["lfw", "--data", "."], "There is no pairs.txt in ."),
        (["pairs", "nowhere.csv"], "nowhere.csv cannot be read"),
        (["folder", "nowhere"], "There is no folder nowhere"),
        (["folder", "home"], "at least two are needed"),
        (["folder", "lfw", "--enrol", "99"], "99 people cannot be enrolled: 12 have more than 1"),
        (["folder", "lfw", "--images-each", "3"], "Nobody has more than 3 images"),
        (["folder", "lfw", "--enrol", "12"], "Nobody is left"),
    ],
)
def test_mistakes_get_one_sentence_with_a_remedy(lfw, capsys, arguments, message) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (1, "")
    assert message in err
    assert "Traceback" not in err
    assert err.count("\n") == 1
    code, out, _ = run(capsys, *arguments, "--json")
    assert code == 1
    assert json.loads(out)["error"]["remedy"]


def test_headline_accuracy_is_that_of_the_library(lfw, capsys) -> None:
    """The command adds nothing of its own to what the protocol says."""
    from datetime import UTC, datetime

    options = service.EvaluateOptions(detector="fake")
    evaluation = service.evaluate_lfw(lfw, options, now=datetime(2026, 1, 1, tzinfo=UTC))
    _, out, _ = run(capsys, "lfw", "--data", lfw, "--json")
    assert json.loads(out)["accuracy"] == evaluation.payload["accuracy"]
    assert evaluation.page.headlines[0].value == f"{100 * evaluation.payload['accuracy']:.2f} %"
    assert evaluation.payload["measured"]["Date"] == "2026-01-01 00:00 UTC"


def test_a_package_under_another_name_is_said_to_be_missing(lfw, capsys, monkeypatch) -> None:
    monkeypatch.setattr(evaluation_tools, "PACKAGES", ("facerec", "no-such-package"))
    _, out, _ = run(capsys, "lfw", "--data", lfw, "--json", "--no-mirror", "--no-images")
    assert "no-such-package not installed" in json.loads(out)["measured"]["Versions"]


def test_a_verification_set_is_measured_as_it_is(tmp_path, capsys) -> None:
    images, same = [], []
    for pair in range(40):
        same.append(pair % 2 == 0)
        for person, shot in ((pair % 7, pair), (pair % 7 + (not same[-1]), pair + 100)):
            stream = io.BytesIO()
            Image.fromarray(fake_photo(person, shot, 112)).save(stream, "PNG")
            images.append(stream.getvalue())
    images[5] = b"no image"
    (tmp_path / "lfw.bin").write_bytes(pickle.dumps((images, same), protocol=2))

    code, out, _ = run(capsys, "pairs", "lfw.bin", "--json", "--out", "report")

    answer = json.loads(out)
    assert code == 0
    assert (answer["n_same"], answer["n_different"], len(answer["folds"])) == (20, 20, 10)
    assert answer["failures"] == [
        {"image": "lfw.bin/image 6", "reason": "The image is no image that can be read here."}
    ]
    assert answer["n_failed_same"] + answer["n_failed_different"] == 1
    assert 0.5 < answer["accuracy"] < 1
    assert answer["with_mirror"]["accuracy"] is not None
    assert "Detector" not in answer["measured"]
    assert answer["measured"]["Data"].endswith("lfw.bin")
    html = (tmp_path / "report" / "report.html").read_text()
    assert "The crops are aligned already" in html
    assert "data:image/jpeg" not in html


def test_a_malicious_verification_set_is_a_known_error(tmp_path, capsys) -> None:
    marker = tmp_path / "ran"
    code_to_run = f"__import__('pathlib').Path({str(marker)!r}).touch()"
    (tmp_path / "x.bin").write_bytes(b"cbuiltins\neval\n(V" + code_to_run.encode() + b"\ntR.")

    code, _, err = run(capsys, "pairs", "x.bin")

    assert code == 1
    assert "no verification set" in err
    assert not marker.exists()
