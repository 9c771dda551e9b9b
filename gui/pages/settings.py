"""Settings: how the window looks and speaks."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from gui.context import Context
from gui.pages.page import Page


class SettingsPage(Page):
    """Everything a user can choose."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.add_header(self.tr("Settings"))
        self.body.addStretch(1)
