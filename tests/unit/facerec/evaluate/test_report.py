from __future__ import annotations

import base64
import csv
import io
import json
import re
from enum import StrEnum
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from facerec.evaluate.error_rates import Estimate, ScoreHistogram, curve_from_scores
from facerec.evaluate.plots import (
    COLOURS,
    IDENTIFICATION,
    Mark,
    cmc_plot,
    det_plot,
    histogram_plot,
    roc_plot,
)
from facerec.evaluate.report import (
    Card,
    Failure,
    Headline,
    Page,
    Plot,
    ScoreRow,
    Sheet,
    Table,
    jsonable,
    render_html,
    thumbnail,
    write_report,
)


def some_curve(seed=0, n=3000):
    rng = np.random.default_rng(seed)
    return curve_from_scores(
        rng.normal(0.6, 0.15, n).clip(-1, 1), rng.normal(0.05, 0.12, n).clip(-1, 1)
    )


def drawings():
    rng = np.random.default_rng(1)
    mated, nonmated = rng.normal(0.6, 0.15, 500).clip(-1, 1), rng.normal(0, 0.1, 900).clip(-1, 1)
    histogram = ScoreHistogram()
    histogram.add(nonmated)
    mark = Mark("threshold 0.350", 0.35, 0.004, 0.05)
    curves = {"one image a face": some_curve(), "with mirror averaging": some_curve(1)}
    return {
        "det": det_plot(curves, [mark]),
        "roc": roc_plot(curves, [mark], IDENTIFICATION),
        "scores": histogram_plot(np.append(mated, -np.inf), histogram, [mark]),
        "plain": histogram_plot(mated, nonmated),
        "cmc": cmc_plot({1: Estimate(9, 10, 0.8, 0.95, "x"), 5: Estimate(10, 10, 0.9, 1, "x")}),
    }


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    return drawings()


@pytest.mark.parametrize("name", ["det", "roc", "scores", "plain", "cmc"])
def test_drawings_are_svg_in_the_colours_of_the_page(drawn, name) -> None:
    svg = drawn[name]
    ElementTree.fromstring(svg)  # noqa: S314  (our own text)
    assert "var(--ink)" in svg
    assert "var(--same)" in svg
    assert not any(stand_in in svg for stand_in in COLOURS.values())
    assert "#ffffff" not in svg
    assert 'viewBox="' in svg.split(">")[0]


def test_drawings_say_what_the_axes_and_lines_are(drawn) -> None:
    found = drawn
    assert "False match rate (FMR)" in found["det"]
    assert "with mirror averaging" in found["det"]
    assert "threshold 0.350" in found["det"]
    assert "not measurable" in found["det"]
    assert "0.1 %" in found["det"]
    assert "False positive identification rate" in found["roc"]
    assert "same person" in found["scores"]
    assert found["scores"].count("threshold 0.350") == 1
    assert "threshold" not in found["plain"]


def test_drawings_repeat_exactly_and_do_not_share_ids(drawn) -> None:
    first, again = drawn, drawings()
    assert first == again
    ids = re.findall(r'\bid="([^"]+)"', "".join(first.values()) + det_plot({"x": some_curve(2)}))
    assert len(ids) == len(set(ids))
    for name in ("det", "roc"):
        known = set(re.findall(r'\bid="([^"]+)"', first[name]))
        used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', first[name]))
        assert used <= known


CARDS = (
    Card("0.123", ("Ada/<1>.jpg", "Ada/2.jpg"), ("data:image/jpeg;base64,AA", ""), True),
    Card("0.456", ("a", "b"), ("", ""), False),
    Card("0.789", ("c", "d"), ("", ""), None),
)


def some_page(**changes) -> Page:
    values = {
        "title": "Test of <faces> & more",
        "subtitle": "toy 1, 4 pairs",
        "protocol": "Verification, 1:1.",
        "headlines": (Headline("Accuracy", "99.32 %", "standard deviation 0.3 %"),),
        "plots": (Plot("DET", "<svg></svg>", "Down and left is better."),),
        "tables": (Table("Rates", ("threshold", "FMR"), (("0.35", "0.1 %"),), "Wilson."),),
        "sheets": (Sheet("Worst", "Lowest first.", CARDS),),
        "failures": (Failure("Bob/1.jpg", "No face was found.", "data:image/jpeg;base64,BB"),),
        "failure_policy": "No pair is dropped.",
        "provenance": (("Command", "facerec evaluate lfw"), ("Date", "2026-01-01")),
    }  # fmt: skip
    return Page(**(values | changes))


class Reader(HTMLParser):
    VOID = frozenset({"meta", "img", "link", "br", "hr", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href") and value]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


def test_page_is_whole_and_needs_nothing_from_elsewhere() -> None:
    html = render_html(some_page())
    reader = read(html)
    text = " ".join(reader.text)
    for said in (
        "Test of <faces> & more", "99.32 %", "Wilson.", "Ada/<1>.jpg", "No face was found.",
        "Failures to acquire: 1", "facerec evaluate lfw", "Down and left",
    ):  # fmt: skip
        assert said in text
    assert all(link.startswith(("data:", "#")) for link in reader.links)
    assert "http" not in html
    assert "<script" not in html
    assert html.count("wrong</span>") == 1
    assert html.count("right</span>") == 1
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html


def test_page_without_plots_and_sheets_has_no_links_to_them() -> None:
    html = render_html(some_page(plots=(), sheets=(), failures=()))
    read(html)
    assert 'href="#curves"' not in html
    assert 'href="#worst"' not in html
    assert "Failures to acquire: 0" in html


def test_report_is_written_as_html_json_and_csv(tmp_path: Path) -> None:
    rows = [ScoreRow("a", "b, c", True, 0.5), ScoreRow("a", "d", False, -np.inf)]
    written = write_report(tmp_path / "new" / "folder", some_page(), {"accuracy": 0.5}, rows)
    assert written.html.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert json.loads(written.json.read_text(encoding="utf-8")) == {"accuracy": 0.5}
    with written.csv.open(encoding="utf-8", newline="") as stream:
        assert list(csv.reader(stream)) == [
            ["a", "b", "same", "score"], ["a", "b, c", "1", "0.500000"], ["a", "d", "0", ""],
        ]  # fmt: skip
    again = write_report(tmp_path / "new" / "folder", some_page(title="Other"), {})
    assert again.csv is None
    assert "Other" in again.html.read_text(encoding="utf-8")


def test_values_become_plain_json() -> None:
    class Word(StrEnum):
        A = "a"

    estimate = Estimate(1, 2, 0.1, np.float64(0.9), "x")
    values = {
        "n": np.int64(3), "x": np.inf, "nan": np.nan, "word": Word.A, "path": Path("p"), 1: None,
        "array": np.array([1.5, np.nan]), "estimate": estimate, "list": (True, "s"),
    }  # fmt: skip
    assert jsonable(values) == {
        "n": 3, "x": None, "nan": None, "word": "a", "path": "p", "1": None, "array": [1.5, None],
        "estimate": {"errors": 1, "trials": 2, "low": 0.1, "high": 0.9, "method": "x"},
        "list": [True, "s"],
    }  # fmt: skip
    with pytest.raises(TypeError):
        jsonable(object())


def decoded(uri: str) -> Image.Image:
    head, _, body = uri.partition(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(body)))


def test_thumbnail_shows_the_square_around_the_face(tmp_path: Path) -> None:
    image = np.zeros((200, 300, 3), np.uint8)
    image[80:120, 130:170] = 255
    path = tmp_path / "a.png"
    Image.fromarray(image).save(path)
    face = np.asarray(decoded(thumbnail(path, np.array([130, 80, 170, 120], np.float32))), float)
    assert face.shape[:2] == (68, 68)
    assert face.mean() / 255 == pytest.approx((40 / 68) ** 2, abs=0.05)
    assert decoded(thumbnail(path)).size == (208, 139)
    corner = decoded(thumbnail(path, np.array([-20, -20, 40, 40], np.float32)))
    assert corner.size == (61, 61)
    outside = decoded(thumbnail(path, np.array([900, 900, 940, 940], np.float32)))
    assert outside.size == (208, 139)


def test_thumbnail_of_what_cannot_be_read_is_empty(tmp_path: Path) -> None:
    assert thumbnail(tmp_path / "none.png") == ""
