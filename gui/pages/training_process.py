"""The training process of the window: at most one, and it outlives the page that shows it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QApplication, QMessageBox

from gui.context import Context
from gui.workers.command import Command


class TrainingProcess(Command):
    """``facerec train run`` with the folder it writes to.

    Attributes:
        run_dir: of the run that was started last.
        is_stopping: whether it was asked to stop and has not ended.
    """

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.run_dir: Path | None = None
        self.is_stopping = False
        self.ended.connect(self._forget_stop)
        context.closing_questions.append(self.may_close)

    def train(self, run_dir: Path, arguments: list[str]) -> None:
        """Start a run that writes to a folder."""
        self.run_dir = run_dir
        self.start(["train", "run", *arguments, "--run", str(run_dir)])

    def stop(self) -> None:
        """Stop between two steps; the run can go on from its last checkpoint."""
        self.is_stopping = True
        self.interrupt()

    def may_close(self) -> bool:
        """Ask whether the window may close while a run is under way, which ends with it."""
        if not self.is_running:
            return True
        if not self.is_stopping and self.ask_to_stop():
            window = QApplication.activeWindow()
            if window is not None:
                self.ended.connect(window.close)
            self.stop()
        return False

    def ask_to_stop(self) -> bool:
        """Ask in a dialog; True when the run shall be stopped."""
        box = QMessageBox(QApplication.activeWindow())
        box.setIcon(QMessageBox.Icon.Question)
        box.setText(self.tr("Training is under way and ends with the window."))
        box.setInformativeText(
            self.tr("It can be continued later from its last checkpoint. Stop it now?")
        )
        stop = box.addButton(self.tr("Stop and close"), QMessageBox.ButtonRole.AcceptRole)
        stay = box.addButton(self.tr("Stay open"), QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(stay)
        box.exec()
        return box.clickedButton() is stop

    def _forget_stop(self) -> None:
        self.is_stopping = False


def training_process(context: Context) -> TrainingProcess:
    """Return the window's training process, making it when it is first asked for."""
    return context.findChild(TrainingProcess) or TrainingProcess(context)
