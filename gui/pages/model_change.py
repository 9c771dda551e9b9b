"""The change of model: how far it is, both models side by side, accept, go back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout

from facerec.progress import Task
from facerec.services.change_model import ChangeStatus, change_status, require_change
from facerec.services.compare_models import Advice, Comparison, Side, compare_models
from gui.pages.page import Page
from gui.theme import SIZES
from gui.widgets.text import button, label
from gui.workers.command import EXIT_CANCELLED, Command

# How often progress is read while a model is being prepared.
_READ_MS = 1000


@dataclass(frozen=True, slots=True)
class _Seen:
    """A gallery's folder and the change it is in."""

    folder: Path
    status: ChangeStatus | None


class ModelChangeCard(QFrame):
    """Shown while a gallery is in a change of model; prepares in a process of its own.

    Signals:
        used: name of the model that serves from now on.
        failed: the sentence a command ended with.
    """

    used = Signal(str)
    failed = Signal(str)

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.setProperty("card", True)
        self._page = page
        self._seen: _Seen | None = None
        self._serves_next = ""
        self.command = Command(self)
        self.command.ended.connect(self._ended)
        self.state = label("", wrap=True)
        self.figures = label("", "muted", wrap=True)
        self.continue_button = button(self.tr("Continue"), self._continue)
        self.stop_button = button(self.tr("Stop"), self.command.interrupt)
        self.compare_button = button(self.tr("Compare"), self.compare)
        self.accept_button = button(self.tr("Accept"), self.accept, kind="primary")
        self.back_button = button(self.tr("Go back"), self.go_back)
        row = QHBoxLayout()
        row.setSpacing(SIZES.space_s)
        for one in self._buttons():
            row.addWidget(one)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(*[SIZES.space_xl] * 4)
        column.setSpacing(SIZES.space_m)
        column.addWidget(label(self.tr("Change of model"), "heading"))
        column.addWidget(self.state)
        column.addWidget(self.figures)
        column.addLayout(row)
        self.figures.hide()
        self._timer = QTimer(self)
        self._timer.setInterval(_READ_MS)
        self._timer.timeout.connect(self.look)
        self.hide()

    def look(self) -> None:
        """Read how far the change is."""
        context = self._page.context

        def read(task: Task) -> _Seen:
            del task
            gallery = context.gallery()
            return _Seen(gallery.folder, change_status(gallery))

        self._page.run(context.runners.disk, read, self._show)

    def leave(self) -> None:
        """Look no more; what is being prepared goes on."""
        self._timer.stop()

    def prepare(self, folder: Path, name: str) -> None:
        """Embed the gallery in a folder with another model, beside the one that serves."""
        self._serves_next = ""
        self._run(folder, ["use", name, "--prepare-only"])
        self._timer.start()

    def compare(self) -> None:
        """Compare both models on the gallery's people."""
        context = self._page.context
        match = context.settings.match

        def compare(task: Task) -> Comparison:
            del task
            gallery = context.gallery()
            return compare_models(gallery, require_change(gallery).change, match)

        self._page.run(context.runners.compute, compare, self._show_comparison, shown=True)

    def accept(self) -> None:
        """Let the prepared model serve."""
        self._change_over("accept")

    def go_back(self) -> None:
        """Let the model serve that served before."""
        self._change_over("rollback")

    def _change_over(self, verb: str) -> None:
        if self._seen is None or self._seen.status is None:
            return
        change = self._seen.status.change
        self._serves_next = change.new_model if verb == "accept" else change.old_model
        self._run(self._seen.folder, [verb])

    def _continue(self) -> None:
        if self._seen is not None and self._seen.status is not None:
            self.prepare(self._seen.folder, self._seen.status.change.new_model)

    def _run(self, folder: Path, arguments: list[str]) -> None:
        self.command.start(["models", *arguments, "--json", "--gallery", str(folder)])
        self._offer()

    def _ended(self, code: int) -> None:
        name, self._serves_next = self._serves_next, ""
        if code == 0 and name:
            self.figures.hide()
            self.used.emit(name)
        elif code not in {0, EXIT_CANCELLED}:
            self.failed.emit(self.command.error)
        self.look()

    def _show(self, seen: _Seen) -> None:
        self._seen = seen
        self.setVisible(seen.status is not None or self.command.is_running)
        if seen.status is not None:
            self.state.setText(self._words(seen.status))
        if seen.status is None or seen.status.is_ready:
            self._timer.stop()
        self._offer()

    def _words(self, status: ChangeStatus) -> str:
        change, progress = status.change, status.progress
        if change.is_accepted:
            words = self.tr("%1 serves. You can go back to %2.")
        elif status.is_ready:
            words = self.tr("%1 is prepared. %2 serves until you accept.")
        else:
            words = self.tr("%1 is being prepared: %3 of %4 pictures. %2 serves.")
        words = words.replace("%1", change.new_model).replace("%2", change.old_model)
        words = words.replace("%3", str(progress.n_ready)).replace("%4", str(progress.n_templates))
        if status.failures:
            words += " " + self.tr(
                "%n picture(s) cannot be embedded; “facerec models status” lists them.",
                "",
                len(status.failures),
            )
        return words

    def _offer(self) -> None:
        status = None if self._seen is None else self._seen.status
        busy = self.command.is_running
        ready = status is not None and status.is_ready
        accepted = status is not None and status.change.is_accepted
        self.continue_button.setVisible(status is not None and not ready and not busy)
        self.stop_button.setVisible(busy and not self._serves_next)
        self.compare_button.setVisible(ready and not busy)
        self.accept_button.setVisible(ready and not accepted and not busy)
        self.back_button.setVisible(accepted and not busy)

    def _buttons(self) -> tuple[QPushButton, ...]:
        return (
            self.continue_button, self.stop_button, self.compare_button, self.accept_button,
            self.back_button,
        )  # fmt: skip

    def _show_comparison(self, found: Comparison) -> None:
        lines = [self._advice(found.advice), self._side(found.old), self._side(found.new)]
        if found.lost:
            lines.append(self.tr("Found no longer: %1").replace("%1", ", ".join(found.lost)))
        if found.gained:
            lines.append(self.tr("Found now: %1").replace("%1", ", ".join(found.gained)))
        if found.without:
            lines.append(self.tr("Without a vector: %1").replace("%1", ", ".join(found.without)))
        self.figures.setText("\n".join(lines))
        self.figures.show()

    def _side(self, side: Side) -> str:
        words = self.tr("%1: threshold %2, searches that miss %3, strangers named %4")
        missed = "-" if side.fnir is None else f"{side.fnir.value:.1%}"
        named = "-" if side.fpir is None else f"{side.fpir.value:.1%}"
        for place, value in (
            ("%1", side.model), ("%2", f"{side.threshold:.3f}"), ("%3", missed), ("%4", named),
        ):  # fmt: skip
            words = words.replace(place, value)
        return words

    def _advice(self, advice: Advice) -> str:
        return {
            Advice.ACCEPT: self.tr("Accept it: no error becomes more frequent."),
            Advice.DECIDE: self.tr("Decide yourself: the figures name no winner."),
            Advice.KEEP: self.tr("Keep the old model: the new one makes more errors."),
        }[advice]
