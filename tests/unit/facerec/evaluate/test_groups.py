from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from facerec.errors import Cancelled, InputError, NotFoundError, ShapeError
from facerec.evaluate import groups as module
from facerec.evaluate.groups import (
    Grouping,
    bare_name,
    group_rates,
    groupings_of,
    has_labels,
    listed_names,
    sizes_of,
)


def faces(n: int, crowded: float, seed: int):
    """Random directions; in the first half they crowd around one."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, 12))
    vectors[: n // 2, 0] += crowded
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_rates_are_those_of_plain_loops_within_and_between(monkeypatch) -> None:
    monkeypatch.setattr(module, "BLOCK_ROWS", 7)  # (several blocks, the last one short)
    vectors = faces(60, 3.0, seed=0)
    found = np.ones(60, bool)
    found[[5, 44]] = False
    member = np.array([0] * 25 + [1] * 5 + [2] * 30)
    parity = np.arange(60) % 2
    groupings = [Grouping("a", ("x", "y", "z"), member), Grouping("b", ("even", "odd"), parity)]

    result = group_rates(vectors, found, groupings, 0.4, n_resamples=5)

    def plain(code, one, other):
        errors = trials = 0
        for i, j in combinations(range(60), 2):
            if sorted((code[i], code[j])) == sorted((one, other)):
                trials += 1
                score = float(vectors[i].astype(float) @ vectors[j])
                errors += bool(found[i] and found[j] and score >= 0.4)
        return errors, trials

    at = iter(result.rates)
    for grouping in groupings:
        for a in range(len(grouping.names)):
            for b in range(a, len(grouping.names)):
                rate = next(at)
                assert (rate.first, rate.second) == (grouping.names[a], grouping.names[b])
                assert rate.is_within == (a == b)
                assert (rate.fmr.errors, rate.fmr.trials) == plain(grouping.member, a, b)
    assert next(at, None) is None
    overall = result.overall.fmr
    assert (overall.errors, overall.trials) == plain(np.zeros(60, int), 0, 0)
    assert overall.errors == len(result.scores) > 50
    for a, b, score in zip(result.first, result.second, result.scores, strict=True):
        assert score == pytest.approx(float(vectors[a] @ vectors[b]), abs=1e-6)
    assert sizes_of(groupings, found)["a", "x"] == (25, 1)
    assert sizes_of(groupings, found)["b", "even"] == (30, 1)


def test_intervals_draw_images_and_leave_pairs_of_copies_out() -> None:
    """The interval again, from the list of drawn images, pair by pair."""
    vectors = faces(20, 2.0, seed=1)
    member = np.array([0] * 12 + [1] * 8)
    grouping = Grouping("a", ("x", "y"), member)
    result = group_rates(vectors, np.ones(20, bool), [grouping], 0.4, seed=3, n_resamples=30)
    rng = np.random.default_rng(3)
    drawn = {(0, 0): [], (0, 1): [], (1, 1): []}
    for _ in range(30):
        images = rng.integers(0, 20, 20)
        for cell, rates in drawn.items():
            hits = [
                float(vectors[i] @ vectors[j]) >= 0.4
                for i, j in combinations(images, 2)
                if i != j and tuple(sorted((member[i], member[j]))) == cell
            ]
            if hits:
                rates.append(np.mean(hits))
    for rate, cell in zip(result.rates, drawn, strict=True):
        low, high = np.quantile(drawn[cell], [0.025, 0.975])
        assert rate.fmr.errors > 0
        assert (rate.fmr.low, rate.fmr.high) == pytest.approx((low, high))
        assert rate.fmr.method == "bootstrap by image"


def test_intervals_cover_a_known_rate() -> None:
    """Angles on a circle: two match within 9 degrees either side, so the rate is 1 in 20."""
    inside = 0
    for seed in range(60):
        angles = np.random.default_rng(seed).uniform(0, 2 * np.pi, 120)
        vectors = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
        nobody = Grouping("a", ("x",), np.zeros(120, np.int64))
        result = group_rates(
            vectors, np.ones(120, bool), [nobody], np.cos(np.pi / 20), seed=seed, n_resamples=200
        )
        inside += result.overall.fmr.low <= 0.05 <= result.overall.fmr.high
    assert inside >= 51  # (57 expected)


def test_no_match_and_no_pair_are_not_certainty() -> None:
    vectors = np.eye(6, dtype=np.float32)
    grouping = Grouping("a", ("x", "y", "z"), np.array([0, 0, 0, 0, 0, 1]))
    rates = group_rates(vectors, np.ones(6, bool), [grouping], 0.5, n_resamples=3).rates
    by_name = {(rate.first, rate.second): rate.fmr for rate in rates}
    assert by_name["x", "x"].value == 0
    assert by_name["x", "x"].high > 0.3  # (five images tell little)
    assert by_name["x", "x"].method == "Wilson over images"
    assert by_name["x", "y"].trials == 5
    assert by_name["y", "y"] is None  # (one image)
    assert by_name["x", "z"] is None  # (no image)


def test_labels_are_read_off_the_names() -> None:
    names = [
        "0_0_0_20161219194004596.jpg", "4_1_1_20170109150557335.png", "5_0_2_2017.jpg.chip.jpg",
        "17_1_3_20170109.jpg", "18_0_4_20170109.webp", "60_1_0_20170109.jpg", "116_0_0_2017.jpg",
    ]  # fmt: skip
    paths = [Path("utk") / name for name in names]
    assert all(has_labels(path) for path in paths)
    age, sex, ethnicity = groupings_of(paths)
    assert [age.names[at] for at in age.member] == [
        "0 to 4", "0 to 4", "5 to 12", "13 to 17", "18 to 29", "60 and over", "60 and over"
    ]  # fmt: skip
    assert [sex.names[at] for at in sex.member] == ["male", "female"] * 3 + ["male"]
    assert [ethnicity.names[at][:2] for at in ethnicity.member] == [
        "Wh", "Bl", "As", "In", "ot", "Wh", "Wh"
    ]  # fmt: skip
    for wrong in ("39_1_20170116174525125.jpg", "a_1_0_2017.jpg", "5_2_0_2017.jpg", "5_1_7_1.jpg"):
        assert not has_labels(Path(wrong))
    with pytest.raises(InputError, match="carries no age"):
        groupings_of([Path("ada.jpg")])


def test_a_list_names_images_without_folders_and_endings(tmp_path: Path) -> None:
    file = tmp_path / "only.txt"
    file.write_text("utk/1_0_0_2017.png\n\n 2_0_0_2018.jpg.chip.jpg \n")
    assert listed_names(file) == {"1_0_0_2017", "2_0_0_2018"}
    assert bare_name(Path("x/1_0_0_2017.jpg")) == "1_0_0_2017"
    with pytest.raises(NotFoundError, match="cannot be read"):
        listed_names(tmp_path / "none.txt")


def test_what_cannot_be_compared_is_refused_and_work_can_be_stopped() -> None:
    grouping = Grouping("a", ("x",), np.zeros(3, np.int64))
    vectors = np.eye(3, dtype=np.float32)
    with pytest.raises(ShapeError):
        group_rates(vectors, np.ones(2, bool), [grouping], 0.5)
    one = Grouping("a", ("x",), np.zeros(1, np.int64))
    with pytest.raises(InputError, match="two images"):
        group_rates(vectors[:1], np.ones(1, bool), [one], 0.5)

    class Stop:
        def step(self, stage, done, total):
            raise Cancelled

    with pytest.raises(Cancelled):
        group_rates(vectors, np.ones(3, bool), [grouping], 0.5, task=Stop())
