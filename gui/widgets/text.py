"""Labels and buttons with the roles that the style sheet knows."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QSizePolicy, QToolButton, QWidget

from gui import theme
from gui.icons import icon, icon_pixmap

# Between an icon and the text of its button.
_GAP_PX = 5


def label(text: str = "", role: str = "", *, wrap: bool = False) -> QLabel:
    """Return a plain-text label.

    Args:
        text: shown as it is; names of people may contain anything, also tags.
        role: ``title``, ``heading``, ``strong``, ``muted``, ``small``, ``good``, ``warn``,
            ``bad``, ``chip``, or nothing.
        wrap: whether it may take several lines.
    """
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setProperty("role", role)
    made.setWordWrap(wrap)
    if wrap:
        made.setMinimumWidth(1)
    else:
        made.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
    return made


def set_role(widget: QWidget, role: str) -> None:
    """Give a label another role."""
    if widget.property("role") != role:
        widget.setProperty("role", role)
        restyle(widget)


def restyle(widget: QWidget) -> None:
    """Let the style sheet look at a widget's properties again."""
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def button(
    text: str, action: Callable[[], object] | None = None, *, kind: str = "", icon_name: str = ""
) -> QPushButton:
    """Return a button.

    Args:
        text: a verb.
        action: what it does.
        kind: ``primary``, ``danger``, ``quiet`` or plain.
        icon_name: of an icon before the text.
    """
    made = TintedButton(text, kind, icon_name)
    if action is not None:
        made.clicked.connect(lambda: action())
    return made


class TintedButton(QPushButton):
    """A button whose icon has the colour of its text in every theme."""

    def __init__(self, text: str, kind: str, icon_name: str) -> None:
        super().__init__(text)
        self.setProperty("kind", kind)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._icon_name = icon_name
        self._tint()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  (Qt's name)
        """Tint the icon anew after a change of theme."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.EnabledChange):
            self._tint()

    def _tint(self) -> None:
        if not self._icon_name:
            return
        colours = theme.current()
        by_kind = {
            "primary": colours.on_accent,
            "danger": colours.bad,
            "quiet": colours.accent,
        }
        tint = by_kind.get(str(self.property("kind")), colours.text)
        drawn = icon_pixmap(self._icon_name, tint if self.isEnabled() else colours.outline, 18)
        self.setIcon(QIcon(_with_gap(drawn)))
        self.setIconSize(QSize(18 + _GAP_PX, 18))


class IconButton(QToolButton):
    """A small button of one icon; its name is read out and shown as a tool tip."""

    def __init__(self, icon_name: str, name: str, action: Callable[[], object]) -> None:
        super().__init__()
        self.setProperty("kind", "icon")
        self.setToolTip(name)
        self.setAccessibleName(name)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setIconSize(QSize(18, 18))
        self.clicked.connect(lambda: action())
        self._icon_name = icon_name
        self._tint()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  (Qt's name)
        """Tint the icon anew after a change of theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._tint()

    def _tint(self) -> None:
        self.setIcon(icon(self._icon_name, theme.current().muted, 18))


class IconLabel(QLabel):
    """An icon that is only looked at, in one of the theme's colours."""

    def __init__(self, icon_name: str, colour_name: str = "muted", size_px: int = 20) -> None:
        super().__init__()
        self._icon_name, self._colour_name, self._size_px = icon_name, colour_name, size_px
        self._tint()

    def show_icon(self, icon_name: str, colour_name: str) -> None:
        """Show another icon."""
        self._icon_name, self._colour_name = icon_name, colour_name
        self._tint()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  (Qt's name)
        """Tint the icon anew after a change of theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._tint()

    def _tint(self) -> None:
        tint = getattr(theme.current(), self._colour_name)
        self.setPixmap(icon_pixmap(self._icon_name, tint, self._size_px))


def _with_gap(pixmap: QPixmap) -> QPixmap:
    """Return an icon with room at its right; style sheets cannot part icon and text."""
    ratio = pixmap.devicePixelRatio()
    wide = QPixmap(pixmap.width() + round(_GAP_PX * ratio), pixmap.height())
    wide.setDevicePixelRatio(ratio)
    wide.fill(Qt.GlobalColor.transparent)
    painter = QPainter(wide)
    painter.drawPixmap(0, 0, pixmap)
    painter.end()
    return wide


def card(parent: QWidget | None = None) -> QFrame:
    """Return a frame that lies on the page like a sheet of paper."""
    frame = QFrame(parent)
    frame.setProperty("card", True)
    return frame


def line(parent: QWidget | None = None) -> QFrame:
    """Return a thin horizontal line."""
    frame = QFrame(parent)
    frame.setProperty("line", True)
    return frame


def rail_icon(name: str) -> QIcon:
    """Return a rail button's icon: muted, and in the accent where its page is open."""
    colours = theme.current()
    made = icon(name, colours.muted, 20)
    pixmap = icon_pixmap(name, colours.accent, 20)
    made.addPixmap(pixmap, QIcon.Mode.Normal, QIcon.State.On)
    return made
