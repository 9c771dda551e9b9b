"""Colours are told apart, the style sheet is whole, icons are drawn in the colour asked for."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

import pytest
from PySide6.QtGui import QColor

from gui import theme
from gui.icons import icon_pixmap, icon_text

GUI = Path(theme.__file__).parent
SCHEMES = pytest.mark.parametrize("colours", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
READ_ON = [
    (text, ground)
    for text in ("text", "muted", "accent", "good", "warn", "bad")
    for ground in ("window", "surface")
] + [
    ("text", "raised"),
    ("muted", "raised"),
    ("on_accent", "accent"),
    ("on_accent", "accent_hover"),
    ("accent", "accent_soft"),
    ("text", "accent_soft"),
    *[(word, f"{name}_soft") for name in ("good", "warn", "bad") for word in (name, "text")],
]


def test_contrast_is_that_of_wcag() -> None:
    # Values of https://www.w3.org/TR/WCAG22/ and its well-known smallest passing grey on white.
    assert theme.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert theme.contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@SCHEMES
@pytest.mark.parametrize(("text", "ground"), READ_ON)
def test_text_is_readable(colours: theme.Colours, text: str, ground: str) -> None:
    assert theme.contrast(getattr(colours, text), getattr(colours, ground)) >= 4.5


@SCHEMES
@pytest.mark.parametrize("ground", ["window", "surface"])
@pytest.mark.parametrize("edge", ["outline", "accent"])
def test_edges_of_controls_and_focus_are_seen(
    colours: theme.Colours, edge: str, ground: str
) -> None:
    assert theme.contrast(getattr(colours, edge), getattr(colours, ground)) >= 3


@SCHEMES
def test_style_sheet_is_filled_in_and_whole(qapp, colours: theme.Colours) -> None:
    sheet = theme.style_sheet(colours)

    assert "$" not in re.sub(r"/\*.*?\*/", "", sheet, flags=re.S)
    assert sheet.count("{") == sheet.count("}")
    for path in re.findall(r'url\("(.+?)"\)', sheet):
        assert Path(path).is_file()


def test_style_sheet_has_no_colour_of_its_own() -> None:
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b(?![^{]*\{)", (GUI / "style.qss").read_text()) == []


def test_applying_a_theme_puts_it_in_force(qapp) -> None:
    theme.apply_theme(qapp, theme.ThemeChoice.DARK)

    assert theme.current() is theme.DARK
    assert qapp.palette().window().color() == QColor(theme.DARK.window)

    theme.apply_theme(qapp, theme.ThemeChoice.LIGHT)
    assert not theme.is_dark()


def test_colours_are_six_digits() -> None:
    for scheme in (theme.LIGHT, theme.DARK):
        assert all(re.fullmatch("#[0-9a-f]{6}", value) for value in asdict(scheme).values())


@pytest.mark.parametrize("path", sorted((GUI / "assets").glob("*.svg")), ids=lambda path: path.stem)
def test_icon_is_drawn_in_the_colour_asked_for(qapp, path: Path) -> None:
    image = icon_pixmap(path.stem, "#ff0000", 24, 1.0).toImage()
    drawn = [
        image.pixelColor(x, y)
        for x in range(24)
        for y in range(24)
        if image.pixelColor(x, y).alpha() > 200
    ]

    assert 'viewBox="0 0 24 24"' in icon_text(path.stem)
    assert len(drawn) > 10
    assert all(shade.red() > 200 and shade.blue() < 50 for shade in drawn)
