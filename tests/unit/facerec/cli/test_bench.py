"""`facerec bench`: options reach the measurements, answers come out as text and JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from facerec.bench import cold_start, detect, embed, index
from facerec.bench.cold_start import ColdStartReport, Run
from facerec.bench.harness import BenchReport, Timing
from facerec.bench.index import IndexFigures, IndexReport, StartupFigures
from facerec.cli.main import main

MACHINE = {"processor": "p", "cores": 2, "date": "d"}


def _report(answer: object) -> BenchReport:
    timings = (
        Timing("facerec", "1 case", (0.001, 0.001), answer),
        Timing("peer", "1 case", (0.008, 0.008), answer),
    )
    return BenchReport("facerec", timings, (), {}, MACHINE)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the measurements were called with."""
    calls: dict[str, Any] = {}

    def answer(result: object) -> Any:
        def measure(*args: object, **options: object) -> object:
            calls.update(options, args=args)
            return result

        return measure

    figures = IndexFigures("flat", 10, 0.1, 0.1, 0.2, 0.3, 1.0, 1.0, 0, True)
    startup = StartupFigures(10, 0.1, 0.2, 0.3, 1.0)
    runs = (Run(1.0, 100.0),)
    monkeypatch.setattr(detect, "measure_detection", answer(_report([1])))
    monkeypatch.setattr(embed, "measure_embedding", answer(_report(512)))
    monkeypatch.setattr(index, "bench_index", answer(IndexReport(5, 512, (figures,), startup)))
    monkeypatch.setattr(
        cold_start, "measure_cold_start", answer(ColdStartReport(runs, runs, "note", 5.0, 0.5))
    )
    return calls


@pytest.mark.parametrize(
    ("arguments", "part", "option"),
    [
        (["detect", "--rounds", "3", "--peer", "x"], "8.00", {"n_rounds": 3, "peers": ("x",)}),
        (["embed", "--mirror", "--threads", "1"], "512", {"mirror": True, "n_threads": 1}),
        (
            ["index", "--size", "10", "--no-start-up"],
            "flat",
            {"sizes": (10,), "startup_size": None},
        ),
        (["cold-start", "a", "b"], "5.0 times faster", {"args": (Path("a"), Path("b"))}),
    ],
)
def test_bench_prints_what_was_measured(
    arguments: list[str],
    part: str,
    option: dict[str, object],
    asked: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["bench", *arguments]) == 0
    assert part in capsys.readouterr().out
    assert {key: asked[key] for key in option} == option

    assert main(["bench", *arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)


def test_one_image_is_not_enough(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "cold-start", "a.jpg"]) == 2
    assert "two images, or none" in capsys.readouterr().err


def test_net_that_is_not_there_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "embed", "--onnx", "none.onnx"]) == 1
    assert "There is no file none.onnx" in capsys.readouterr().err
