"""Ticks, scales and the read-out of the plot, and that curves are drawn where they belong."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QColor

from gui import theme
from gui.widgets.plot import Plot, Series
from gui.widgets.plot_scale import Axis, Scale, percent_number, plain_number, scale_of


@pytest.mark.parametrize(
    ("scale", "ticks"),
    [
        (Scale(0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (Scale(0, 6000), [0, 2000, 4000, 6000]),
        (Scale(-0.4, 1.0), [0, 0.5, 1.0]),
        (Scale(2e-4, 1.0, is_log=True), [1e-3, 1e-2, 1e-1, 1]),
        (Scale(1e-9, 1.0, is_log=True), [1e-9, 1e-7, 1e-5, 1e-3, 1e-1]),
    ],
)
def test_ticks_are_round(scale: Scale, ticks: list[float]) -> None:
    assert scale.ticks() == pytest.approx(ticks)


def test_logarithmic_scale_gives_each_decade_the_same_room() -> None:
    scale = Scale(1e-4, 1, is_log=True)

    assert [scale.share(value) for value in (1e-4, 1e-3, 1e-2, 1)] == pytest.approx(
        [0, 0.25, 0.5, 1]
    )
    assert scale.share(0) == 0


@pytest.mark.parametrize("values", [[], [3.0], [2.0, 2.0], [0.0, 0.0]])
@pytest.mark.parametrize("is_log", [False, True])
def test_scale_has_room_whatever_is_drawn(values: list[float], is_log: bool) -> None:
    scale = scale_of(Axis(is_log=is_log), values)

    assert scale.high > scale.low
    assert scale.ticks() or is_log


def test_fixed_ends_stay() -> None:
    assert scale_of(Axis(low=0.0), [5.0, 10.0], 0.1) == Scale(0.0, 11.0)
    assert scale_of(Axis(low=-1.0, high=1.0), [5.0], 0.1) == Scale(-1.0, 1.0)


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.25, "0.25"), (1500, "1,500"), (2e-5, "2e-05")]
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert plain_number(value) == text


def test_rates_are_percents() -> None:
    assert [percent_number(rate) for rate in (1, 0.2, 0.001, 1e-5)] == [
        "100 %",
        "20 %",
        "0.1 %",
        "0.001 %",
    ]


@pytest.fixture
def plot(qtbot) -> Plot:
    made = Plot("Loss", Axis("step", low=0.0), Axis())
    qtbot.addWidget(made)
    made.resize(400, 250)
    return made


def _pixels(plot: Plot, colour: str) -> list[tuple[int, int]]:
    image = plot.grab().toImage()
    wanted = QColor(getattr(theme.current(), colour)).rgb()
    return [
        (x, y)
        for x in range(image.width())
        for y in range(image.height())
        if image.pixel(x, y) == wanted
    ]


def test_rising_line_goes_up_to_the_right(plot: Plot) -> None:
    plot.show_series([Series("", list(range(100)), list(range(100)))])
    drawn = _pixels(plot, "accent")

    left = min(drawn)
    right = max(drawn)
    assert right[0] - left[0] > 200
    assert left[1] - right[1] > 100


def test_read_out_is_the_nearest_point_of_each_curve(plot: Plot) -> None:
    near, far = Series("a", [0, 10, 20], [5, 6, 7]), Series("b", [0, 20], [1, 2], "warn")
    plot.show_series([near, far, Series("c", [], [])])

    assert plot.read_out(plot.width()) == [(near, 20, 7), (far, 20, 2)]
    assert plot.read_out(0) == [(near, 0, 5), (far, 0, 1)]


def test_pointer_shows_the_read_out(plot: Plot, qtbot) -> None:
    plot.show_series([Series("", [0, 10], [5, 6])])
    plot.show()
    before = plot.grab().toImage()

    qtbot.mouseMove(plot, plot.rect().center())

    qtbot.waitUntil(lambda: plot.grab().toImage() != before)


def test_empty_plot_says_so(plot: Plot) -> None:
    plot.show_series([Series("", [], [])])

    assert _pixels(plot, "accent") == []
    assert _pixels(plot, "muted")
