"""How the window looks: colours, spacing, radii and type sizes in one place, light and dark.

Widgets take their looks from ``style.qss``, whose ``$names`` are filled in from here. What paints
itself asks ``current()``. Text and its ground keep a contrast of 4.5 to 1, checked by a test.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib.resources import files
from string import Template

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from gui.icons import tinted_file


class ThemeChoice(StrEnum):
    """What the user asks for."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Colours:
    """One scheme, as ``#rrggbb``.

    Attributes:
        window: ground of the window.
        surface: ground of cards and fields, lying on the window.
        raised: ground of what lies on a surface: hovered rows, chips, tracks.
        line: borders that only separate.
        outline: borders of what can be used, 3 to 1 against its ground.
        text: what is read.
        muted: what is read second.
        accent: what acts or is chosen.
        accent_hover: the same under the pointer.
        on_accent: text on the accent.
        accent_soft: ground of what is chosen.
        good, good_soft: a yes, and its ground.
        warn, warn_soft: a doubt, and its ground.
        bad, bad_soft: a no or an error, and its ground.
    """

    window: str
    surface: str
    raised: str
    line: str
    outline: str
    text: str
    muted: str
    accent: str
    accent_hover: str
    on_accent: str
    accent_soft: str
    good: str
    good_soft: str
    warn: str
    warn_soft: str
    bad: str
    bad_soft: str


LIGHT = Colours(
    window="#f5f6f8",
    surface="#ffffff",
    raised="#eef0f4",
    line="#dfe3e9",
    outline="#868f9c",
    text="#1a1e24",
    muted="#59626f",
    accent="#2f5fd0",
    accent_hover="#254fb3",
    on_accent="#ffffff",
    accent_soft="#e6edfc",
    good="#17703f",
    good_soft="#e2f4e9",
    warn="#855400",
    warn_soft="#fdf1d8",
    bad="#b3271e",
    bad_soft="#fdeae8",
)
DARK = Colours(
    window="#14171c",
    surface="#1c2026",
    raised="#272c34",
    line="#2f353f",
    outline="#78828f",
    text="#e8ebf0",
    muted="#a2acb9",
    accent="#8db2ff",
    accent_hover="#a9c5ff",
    on_accent="#0c1a36",
    accent_soft="#22304c",
    good="#74d29b",
    good_soft="#17301f",
    warn="#eebf5f",
    warn_soft="#352a12",
    bad="#ff9a90",
    bad_soft="#3b1d1b",
)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Lengths in pixels; type sizes in pixels too, so that they scale with the screen as one."""

    space_xs: int = 4
    space_s: int = 8
    space_m: int = 12
    space_l: int = 16
    space_xl: int = 24
    space_xxl: int = 32
    radius_s: int = 6
    radius_m: int = 8
    radius_l: int = 12
    control: int = 34
    text_s: int = 12
    text_m: int = 13
    text_l: int = 15
    text_title: int = 22


SIZES = Sizes()

# The system's own face where it has one; the last ones are what a plain Linux brings.
LATIN_FAMILIES = (
    "Inter",
    "Segoe UI Variable Text",
    "Segoe UI",
    "SF Pro Text",
    "Cantarell",
    "Noto Sans",
    "Ubuntu",
    "DejaVu Sans",
)
CHINESE_FAMILIES = (
    "PingFang SC",
    "Microsoft YaHei UI",
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
)


class _Current:
    """What is in force; one per process, since Qt has one application per process."""

    colours = LIGHT


def current() -> Colours:
    """Return the colours in force."""
    return _Current.colours


def colour(name: str) -> QColor:
    """Return a colour in force by its name in ``Colours``."""
    return QColor(getattr(_Current.colours, name))


def is_dark() -> bool:
    """Whether the dark scheme is in force."""
    return _Current.colours is DARK


def chosen_colours(choice: ThemeChoice) -> Colours:
    """Return the scheme for a choice, asking the system where the choice leaves it to it."""
    if choice is ThemeChoice.SYSTEM:
        dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return DARK if dark else LIGHT
    return DARK if choice is ThemeChoice.DARK else LIGHT


def apply_theme(app: QApplication, choice: ThemeChoice, *, language: str = "en") -> None:
    """Put a scheme in force: palette, font and style sheet."""
    colours = chosen_colours(choice)
    _Current.colours = colours
    app.setFont(interface_font(language))
    app.setPalette(palette_of(colours))
    app.setStyleSheet(style_sheet(colours, language))


def interface_font(language: str) -> QFont:
    """Return the font of the window; Chinese faces come first where the language is Chinese."""
    chinese_first = language.startswith("zh")
    families = (
        CHINESE_FAMILIES + LATIN_FAMILIES if chinese_first else LATIN_FAMILIES + CHINESE_FAMILIES
    )
    font = QFont()
    font.setFamilies(list(families))
    font.setPixelSize(SIZES.text_m)
    font.setHintingPreference(QFont.HintingPreference.PreferVerticalHinting)
    return font


def style_sheet(colours: Colours, language: str = "en") -> str:
    """Fill the style sheet with a scheme's colours, the sizes, and how strong headings are.

    Chinese faces often come in two weights only, so that a half-bold heading would be a plain one.
    """
    template = files("gui").joinpath("style.qss").read_text(encoding="utf-8")
    lengths = {name: f"{value}px" for name, value in asdict(SIZES).items()}
    marks = {
        "strong": "700" if language.startswith("zh") else "600",
        "arrow_down": tinted_file("arrow_down", colours.muted).as_posix(),
        "check": tinted_file("check", colours.on_accent).as_posix(),
    }
    return Template(template).substitute({**asdict(colours), **lengths, **marks})


def palette_of(colours: Colours) -> QPalette:
    """Return the palette of a scheme, for what the style sheet does not reach."""
    role = QPalette.ColorRole
    palette = QPalette()
    for target, name in (
        (role.Window, colours.window),
        (role.WindowText, colours.text),
        (role.Base, colours.surface),
        (role.AlternateBase, colours.raised),
        (role.Text, colours.text),
        (role.Button, colours.surface),
        (role.ButtonText, colours.text),
        (role.BrightText, colours.bad),
        (role.Highlight, colours.accent),
        (role.HighlightedText, colours.on_accent),
        (role.ToolTipBase, colours.text),
        (role.ToolTipText, colours.window),
        (role.PlaceholderText, colours.muted),
        (role.Link, colours.accent),
        (role.LinkVisited, colours.accent),
        (role.Light, colours.surface),
        (role.Midlight, colours.raised),
        (role.Mid, colours.line),
        (role.Dark, colours.outline),
        (role.Shadow, colours.line),
        (role.Accent, colours.accent),
    ):
        palette.setColor(target, QColor(name))
    disabled = QPalette.ColorGroup.Disabled
    for target in (role.Text, role.WindowText, role.ButtonText):
        palette.setColor(disabled, target, QColor(colours.outline))
    return palette


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two colours as WCAG 2.2 defines it, from 1 to 21."""
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(name: str) -> float:
    # Constants of sRGB, IEC 61966-2-1, as WCAG 2.2 quotes them.
    def linear(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    shade = QColor(name)
    red, green, blue = (linear(v) for v in (shade.redF(), shade.greenF(), shade.blueF()))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
