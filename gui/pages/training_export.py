"""Export and use: a trained net becomes a model file, and the model in use."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from gui.context import Context
from gui.theme import SIZES
from gui.widgets.text import button, label
from gui.workers.command import Command
from gui.workers.run_log import CHECKPOINT_NAME

# How ``facerec models use --yes`` ends when the comparison advises against it.
_ANSWERED_NO = 3
# What ``facerec export --name`` takes.
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")


class ExportCard(QFrame):
    """A name, a button, and what the two commands say.

    Signals:
        used: name of the model that is in use from now on.
        failed: the sentence a command ended with.
    """

    used = Signal(str)
    failed = Signal(str)

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self._context = context
        self._run_dir: Path | None = None
        self._pack: Path | None = None
        self._is_ready = False
        self._is_exported = False
        self.command = Command(self)
        self.command.said.connect(self._hear)
        self.command.ended.connect(self._ended)
        self.name = QLineEdit()
        self.name.setPlaceholderText("my-model")
        self.name.setAccessibleName(self.tr("Name of the model"))
        self.name.setMaximumWidth(260)
        self.name.textChanged.connect(lambda _: self._offer())
        self.button = button(self.tr("Export and use"), self.start)
        self.output = QPlainTextEdit()
        self.output.setReadOnly(True)
        self.output.setFixedHeight(110)
        self.output.hide()
        row = QHBoxLayout()
        row.setSpacing(SIZES.space_m)
        row.addWidget(self.name, 1)
        row.addWidget(self.button)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(SIZES.space_l, SIZES.space_m, SIZES.space_l, SIZES.space_m)
        column.setSpacing(SIZES.space_s)
        column.addWidget(label(self.tr("Export and use"), "heading"))
        column.addWidget(
            label(
                self.tr(
                    "Writes the trained net as a model file, sets its thresholds on the held-out "
                    "people, embeds your gallery again and uses the model from then on."
                ),
                "muted",
                wrap=True,
            )
        )
        column.addLayout(row)
        column.addWidget(self.output)
        self._offer()

    def show_run(self, run_dir: Path | None, pack: Path | None, *, is_ready: bool) -> None:
        """Say which run is meant and whether it can be exported now."""
        self._run_dir, self._pack, self._is_ready = run_dir, pack, is_ready
        self._offer()

    def start(self) -> None:
        """Export the last checkpoint under the name that was typed."""
        if self._run_dir is None or self._pack is None:
            return
        self.output.clear()
        self.output.show()
        self._is_exported = False
        checkpoint = str(self._run_dir / CHECKPOINT_NAME)
        self._run(["export", "model", checkpoint, "--pack", str(self._pack), *self._name()])

    def _name(self) -> list[str]:
        return ["--name", self.name.text().strip()]

    def _run(self, arguments: list[str]) -> None:
        self.output.appendPlainText(f"> facerec {' '.join(arguments)}")
        self.command.start(arguments)
        self._offer()

    def _hear(self, line: str) -> None:
        self.output.appendPlainText(line)

    def _ended(self, code: int) -> None:
        self._offer()
        if code == _ANSWERED_NO:
            self.failed.emit(
                self.tr("The new model makes more errors on your people; see the settings.")
            )
        elif code != 0:
            self.failed.emit(self.command.error)
        elif not self._is_exported:
            self._is_exported = True
            gallery = self._context.settings.store.gallery
            where = ["--gallery", str(gallery)] if gallery else []
            self._run(["models", "use", self.name.text().strip(), "--yes", "--json", *where])
        else:
            self.used.emit(self.name.text().strip())

    def _offer(self) -> None:
        is_named = _NAME.fullmatch(self.name.text().strip()) is not None
        self.button.setEnabled(self._is_ready and is_named and not self.command.is_running)
        self.name.setEnabled(not self.command.is_running)
        self.button.setToolTip(
            "" if is_named else self.tr("The name may hold a-z, 0-9, full stops and hyphens.")
        )
