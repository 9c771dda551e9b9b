"""What appears when the program itself is wrong: the program goes on, the details can be copied."""

from __future__ import annotations

import platform
import traceback

import PySide6
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from facerec import __version__
from gui.theme import SIZES
from gui.widgets.text import IconLabel, button, label


def bug_details(error: BaseException) -> str:
    """Return what a report needs: versions and the traceback."""
    lines = "".join(traceback.format_exception(error)).rstrip()
    return (
        f"facerec {__version__}, Python {platform.python_version()}, "
        f"PySide6 {PySide6.__version__}, {platform.platform()}\n\n{lines}"
    )


class BugDialog(QDialog):
    """Says that this is the program's mistake, shows the details and copies them."""

    def __init__(self, error: BaseException, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Something went wrong"))
        self.setMinimumSize(620, 420)
        self._details = QPlainTextEdit(bug_details(error))
        self._details.setReadOnly(True)
        self._details.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._details.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._details.setAccessibleName(self.tr("Details"))
        self.copy_button = button(self.tr("Copy details"), self._copy)
        self.go_on_button = button(self.tr("Go on"), self.accept, kind="primary")
        self.go_on_button.setDefault(True)
        heading = QHBoxLayout()
        heading.setSpacing(SIZES.space_m)
        heading.addWidget(IconLabel("error", "bad", 24))
        heading.addWidget(label(self.tr("This is a mistake of the program, not yours."), "heading"))
        heading.addStretch(1)
        row = QHBoxLayout()
        row.addWidget(self.copy_button)
        row.addStretch(1)
        row.addWidget(self.go_on_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(*[SIZES.space_xl] * 4)
        column.setSpacing(SIZES.space_m)
        column.addLayout(heading)
        column.addWidget(
            label(
                self.tr(
                    "What you were doing was stopped; everything stored is as it was. You can go "
                    "on working. Please report the details below; look through them first, they "
                    "can name files of yours."
                ),
                "muted",
                wrap=True,
            )
        )
        column.addWidget(self._details, 1)
        column.addLayout(row)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._details.toPlainText())
        self.copy_button.setText(self.tr("Copied"))
