"""`facerec verify` with the real networks: answers, refusals, exit codes, text and JSON."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import photos
from tests.helpers.command_line import CommandLine


def test_two_photographs_of_one_person_are_the_same(run: CommandLine) -> None:
    answer = run("verify", photos.obama(1), photos.obama(2))

    assert answer.code == 0
    assert answer.out.startswith("the same person: score 0.")
    assert "threshold" in answer.out
    assert "of comparisons of different people are taken for one person" in answer.out
    assert answer.err == ""


@pytest.mark.parametrize(
    ("a", "b"),
    [
        pytest.param(photos.obama, photos.biden, id="president and vice-president"),
        pytest.param(photos.astronaut, photos.grace_hopper, id="two women"),
    ],
)
def test_two_people_are_different(run: CommandLine, a: object, b: object) -> None:
    answer = run("verify", a(), b())

    assert answer.code == 3
    assert answer.out.startswith("different people: score ")


def test_json_holds_the_answer_and_its_evidence(run: CommandLine, darker_astronaut: Path) -> None:
    answer = run("verify", photos.astronaut(), darker_astronaut, "--json")

    payload = answer.json
    assert answer.code == 0
    assert payload["verdict"] == "same"
    assert payload["score"] >= payload["threshold"]
    assert 0 < payload["false_match_rate"] < 1
    assert payload["faces_policy"] == "refuse"
    assert [Path(image["image"]).name for image in payload["images"]] == [
        "astronaut.png",
        "astronaut-2.jpg",
    ]
    assert len(payload["images"][0]["face"]["landmarks"]) == 5


def test_image_compared_with_itself_scores_one(run: CommandLine) -> None:
    answer = run("verify", photos.astronaut(), photos.astronaut(), "--json")

    assert answer.json["score"] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(
    ("kind", "code", "part"),
    [
        pytest.param("missing", "image_read", "There is no file", id="missing"),
        pytest.param("corrupt", "image_read", "", id="corrupt"),
        pytest.param("faceless", "no_face", "no face was found", id="faceless"),
        pytest.param("crowded", "many_faces", "2 faces were found", id="crowded"),
    ],
)
def test_unusable_image_is_refused_in_one_sentence(
    run: CommandLine,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    kind: str,
    code: str,
    part: str,
) -> None:
    bad = tmp_path / "missing.jpg" if kind == "missing" else request.getfixturevalue(kind)

    text = run("verify", photos.astronaut(), bad)
    as_json = run("verify", photos.astronaut(), bad, "--json")

    assert (text.code, as_json.code) == (1, 1)
    assert text.out == ""
    assert len(text.err.strip().splitlines()) == 1
    assert part.lower() in text.err.lower()
    assert bad.name in text.err
    error = as_json.json["error"]
    assert error["code"] == code
    assert error["remedy"]
    assert as_json.err == ""


@pytest.mark.parametrize(
    ("policy", "code"), [pytest.param("largest", 0, id="largest is she"), ("certain", None)]
)
def test_policy_chooses_among_several_faces_and_is_named(
    run: CommandLine, crowded: Path, policy: str, code: int | None
) -> None:
    answer = run("verify", photos.grace_hopper(), crowded, "--faces", policy)

    assert answer.code in ({code} if code is not None else {0, 3})
    assert f"the one that counts: {policy}" in answer.out


def test_explicit_zero_threshold_counts(run: CommandLine) -> None:
    answer = run("verify", photos.astronaut(), photos.astronaut(), "--threshold", 0, "--json")

    assert answer.json["threshold"] == 0
    assert answer.json["false_match_rate"] is None


def test_threshold_is_inclusive(run: CommandLine) -> None:
    answer = run("verify", photos.astronaut(), photos.astronaut(), "--threshold", 1)

    assert answer.code in {0, 3}
    assert "threshold 1.000" in answer.out


def test_threshold_and_rate_together_are_refused(run: CommandLine) -> None:
    answer = run("verify", "a", "b", "--threshold", 0.3, "--fmr", 0.001)

    assert answer.code == 1
    assert "not both" in answer.err


def test_flag_for_a_rate_wins_over_a_threshold_in_the_settings(
    run: CommandLine, home: Path
) -> None:
    (home / "config.toml").write_text("[match]\nthreshold = 0.99\n")

    answer = run("verify", photos.astronaut(), photos.astronaut(), "--fmr", 0.5, "--json")

    assert answer.json["threshold"] < 0.99
    assert answer.json["false_match_rate"] <= 0.5


@pytest.mark.parametrize(
    ("flags", "part"),
    [
        pytest.param(["--device", "gpu7"], "no device 'gpu7'", id="device"),
        pytest.param(["--model", "nobody"], "no model named 'nobody'", id="model"),
        pytest.param(["--detector", "mtcn"], "Did you mean 'mtcnn'?", id="detector"),
        pytest.param(["--min-face", "3"], "whole number from 12", id="range"),
    ],
)
def test_impossible_setting_is_refused(run: CommandLine, flags: list[str], part: str) -> None:
    answer = run("verify", photos.astronaut(), photos.astronaut(), *flags)

    assert answer.code == 1
    assert part in answer.err
