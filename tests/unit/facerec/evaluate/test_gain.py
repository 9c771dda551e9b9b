from __future__ import annotations

import statistics

import numpy as np
import pytest

from facerec.errors import ShapeError
from facerec.evaluate.gain import costs, gain_over, time_in_turns
from facerec.evaluate.verification import FoldAccuracy
from tests.helpers.fakes import FakeEmbedder


def folds(*accuracies: float) -> FoldAccuracy:
    mean = float(np.mean(accuracies))
    return FoldAccuracy(accuracies, (0.5,) * len(accuracies), mean, 0.0, 0.0, mean)


def test_gain_is_taken_fold_by_fold() -> None:
    base, other = (0.90, 0.95, 0.99, 0.80), (0.91, 0.95, 0.98, 0.84)
    gain = gain_over(folds(*base), folds(*other))
    differences = [b - a for a, b in zip(base, other, strict=True)]
    assert gain.mean == pytest.approx(statistics.mean(differences))
    assert gain.std == pytest.approx(statistics.pstdev(differences))
    assert gain.standard_error == pytest.approx(statistics.stdev(differences) / 2)
    with pytest.raises(ShapeError):
        gain_over(folds(0.9, 0.8), folds(0.9, 0.8, 0.7))


def test_work_takes_turns_and_the_order_rotates() -> None:
    now, order = [0.0], []

    def work(name, seconds):
        def run():
            order.append(name)
            now[0] += seconds

        return run

    taken = time_in_turns(
        {"slow": work("slow", 3.0), "quick": work("quick", 1.0)},
        n_rounds=3,
        turn_s=2.0,
        clock=lambda: now[0],
    )
    assert taken["slow"].tolist() == [3.0] * 3
    assert taken["quick"].tolist() == [1.0] * 3
    once = ["slow", "quick", "quick"]
    turned = ["quick", "quick", "slow"]
    assert order == once + turned + once + turned


def test_cost_is_a_face_s_and_ratios_are_to_the_first(monkeypatch) -> None:
    embedders = {"a": FakeEmbedder(), "b": FakeEmbedder(8)}
    seconds = {"a": np.array([0.1, 0.2, 0.4]), "b": np.array([0.3, 0.2, 0.8])}

    def timed(work):
        for name in work:
            work[name]()
        return seconds

    monkeypatch.setattr("facerec.evaluate.gain.time_in_turns", timed)
    found = costs(embedders, np.zeros((4, 112, 112, 3), np.uint8))
    assert found["a"].ratio == 1
    assert found["b"].ratio == 2  # (of 3, 1 and 2)
    assert (found["b"].ratio_low, found["b"].ratio_high) == (1.5, 2.5)
    assert found["b"].ms_per_face == pytest.approx(75)
    assert [one.n_crops for one in embedders.values()] == [4, 4]  # each its own work
