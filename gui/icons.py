"""The program's own icons: SVG line drawings in ``assets``, tinted when they are drawn."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QGuiApplication, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from facerec.paths import cache_dir


@lru_cache(maxsize=64)
def icon_text(name: str) -> str:
    """Return the SVG source of an icon."""
    return files("gui").joinpath("assets", f"{name}.svg").read_text(encoding="utf-8")


@lru_cache(maxsize=256)
def icon_pixmap(name: str, colour: str, size_px: int, ratio: float = 0.0) -> QPixmap:
    """Draw an icon.

    Args:
        name: of the file in ``assets``.
        colour: ``#rrggbb``.
        size_px: side in the units of the window.
        ratio: pixels of the screen a unit; the application's own when 0.
    """
    source = icon_text(name).replace("currentColor", colour)
    scale = ratio or QGuiApplication.instance().devicePixelRatio()  # type: ignore[union-attr]
    pixmap = QPixmap(round(size_px * scale), round(size_px * scale))
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(source.encode())).render(painter, QRectF(pixmap.rect()))
    painter.end()
    pixmap.setDevicePixelRatio(scale)
    return pixmap


def icon(name: str, colour: str, size_px: int = 20) -> QIcon:
    """Return an icon in one colour."""
    return QIcon(icon_pixmap(name, colour, size_px))


def tinted_file(name: str, colour: str) -> Path:
    """Write a tinted icon where a style sheet can load it; they take files only."""
    path = cache_dir() / "icons" / f"{name}-{colour.lstrip('#')}.svg"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(icon_text(name).replace("currentColor", colour), encoding="utf-8")
    return path
