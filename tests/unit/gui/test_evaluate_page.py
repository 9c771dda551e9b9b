"""The page Evaluate on painted people: figures, plots, errors, report, cancelling."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facerec.detect.base import DETECTORS
from gui.pages.evaluate import LFW, EvaluatePage
from gui.pages.evaluation_words import figures_of
from gui.workers.job import JobState
from tests.helpers.fakes import FakeDetector, fake_photo

N_PEOPLE, N_SHOTS = 8, 3
# Never reached on a machine that does nothing else.
WAIT_MS = 120_000


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings name a stand-in detector and embedder."""
    monkeypatch.setitem(
        DETECTORS._entries, "fake", lambda *, device, n_threads, min_face_px: FakeDetector()
    )
    monkeypatch.setenv("FACEREC__DETECT__DETECTOR", "fake")
    monkeypatch.setenv("FACEREC__EMBED__MODEL", "toy")
    monkeypatch.delenv("FACEREC_LFW", raising=False)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Painted people, one of whose images shows no face."""
    for person in range(N_PEOPLE):
        folder = tmp_path / "people" / f"P{person}"
        folder.mkdir(parents=True)
        for shot in range(N_SHOTS):
            Image.fromarray(fake_photo(person, shot)).save(folder / f"P{person}_{shot}.png")
    grey = np.full((60, 60, 3), 80, np.uint8)
    Image.fromarray(grey).save(tmp_path / "people" / "P3" / "P3_1.png")
    return tmp_path / "people"


@pytest.fixture
def page(context, qtbot) -> EvaluatePage:
    made = EvaluatePage(context)
    qtbot.addWidget(made)
    made.resize(1000, 700)
    return made


def _measure(page: EvaluatePage, qtbot, folder: Path) -> None:
    page.show_item(folder)
    job = page.start()
    assert not page.start_button.isEnabled()
    with qtbot.waitSignal(job.finished, timeout=WAIT_MS):
        pass
    qtbot.waitUntil(lambda: page.view.is_complete)


def test_folder_is_measured_and_shown(
    page: EvaluatePage, qtbot, people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(
        "gui.pages.evaluate.QDesktopServices.openUrl",
        lambda url: opened.append(url.toLocalFile()),
    )
    assert not page.open_button.isEnabled()
    _measure(page, qtbot, people)
    page.open_button.click()

    assert page.banner.text == ""
    assert page.start_button.isEnabled()
    shown = [card.figure.value for card in page.view.figures]
    written = json.loads(page.report.with_name("report.json").read_text())
    first = written["identification"]["rank_1_closed_set"]["rate"]
    assert shown[0] == f"{100 * first:.2f} %"
    assert shown[-1] == "1"
    assert all(plot.series for plot in page.view.plots.plots())
    assert page.view.pairs
    assert page.report.is_file()
    assert [Path(path) for path in opened] == [page.report]
    _check_histogram(page)


def _check_histogram(page: EvaluatePage) -> None:
    """It holds every pair that could be compared: one of 3 x 8 images has no face."""
    different, same = page.view.plots.scores.series
    n_same = (N_PEOPLE - 1) * 3 + 1
    shares = np.array(same.ys) * n_same
    assert shares == pytest.approx(np.round(shares))
    assert sum(same.ys) == pytest.approx(1)
    assert sum(different.ys) == pytest.approx(1)
    centre = [np.average(one.xs, weights=one.ys) for one in (different, same)]
    assert centre[0] < centre[1]


def test_measuring_can_be_stopped(
    page: EvaluatePage, qtbot, people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.show_item(people)
    monkeypatch.setattr("facerec.evaluate.acquire.BATCH", 1)
    job = page.start()
    job.progressed.connect(lambda *_: job.cancel())
    with qtbot.waitSignal(job.finished, timeout=WAIT_MS):
        pass

    assert job.state is JobState.CANCELLED
    assert page.start_button.isEnabled()
    assert not page.open_button.isEnabled()
    assert page.view.figures == []


def test_folder_without_people_is_an_error_in_words(
    page: EvaluatePage, qtbot, tmp_path: Path
) -> None:
    _measure(page, qtbot, tmp_path / "nowhere")

    assert page.banner.text
    assert page.view.isHidden()


def test_lfw_shows_the_accuracy_first(page: EvaluatePage, qtbot, tmp_path: Path) -> None:
    root = tmp_path / "lfw"
    for person in range(6):
        folder = root / "images" / f"P{person}"
        folder.mkdir(parents=True)
        for shot in (1, 2):
            Image.fromarray(fake_photo(person, shot)).save(folder / f"P{person}_{shot:04d}.png")
    lines = ["2\t2"]
    for fold in range(2):
        lines += [f"P{fold + k}\t1\t2" for k in range(2)]
        lines += [f"P{fold + k}\t1\tP{fold + k + 3}\t2" for k in range(2)]
    (root / "pairs.txt").write_text("\n".join(lines) + "\n")
    page.kind.setCurrentIndex(page.kind.findData(LFW))
    page.path.show_path(root)
    with qtbot.waitSignal(page.start().finished, timeout=WAIT_MS):
        pass
    qtbot.waitUntil(lambda: page.view.is_complete)

    # People and strangers of this kind are told apart without an error.
    assert page.view.figures[0].figure.value == "100.00 %"
    assert len(page.view.plots.scores.series) == 2


def test_misses_are_told_at_the_strictest_rate_that_can_be_measured() -> None:
    def at(target: float, rate: float | None) -> dict[str, object]:
        miss = None if rate is None else {"rate": rate, "low": 0.01, "high": 0.04}
        return {"target": target, "fnmr": miss}

    figures = figures_of(
        {
            "accuracy": None,
            "at_fmr": [at(0.1, 0.01), at(0.01, 0.025), at(0.001, None)],
            "n_different": 3000,
            "eer": 0.02,
            "eer_threshold": 0.31,
            "failures": [],
        }
    )

    assert figures[0].value == "2.50 %"
    assert "1 in 100 " in figures[0].sentence
    assert "1.00 to 4.00 %" in figures[0].detail
    assert "3,000" in figures[0].detail
