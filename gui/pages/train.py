"""Train: a run in a process of its own, its curves as they come, and what to do with the net."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from gui.context import Context
from gui.pages.page import Page
from gui.pages.training_export import ExportCard
from gui.pages.training_form import TrainingForm
from gui.pages.training_process import training_process
from gui.pages.training_view import TrainingView
from gui.widgets.empty_state import EmptyState
from gui.widgets.page_scroll import PageScroll
from gui.widgets.text import button
from gui.workers.command import EXIT_CANCELLED
from gui.workers.run_log import RunFolder, RunState, training_is_installed

INSTALL_COMMAND = "pip install 'facerec[gui,train]'"
# How often the log is looked at.
_READ_MS = 500


class TrainPage(Page):
    """Form on top, the run below it, export at the foot."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.add_header(
            self.tr("Train"), self.tr("Teach a network on your own aligned crops, and use it.")
        )
        self._is_installed = training_is_installed()
        if not self._is_installed:
            self.body.addWidget(self._not_installed(), 1)
            return
        self._folder = RunFolder(Path())
        self.process = training_process(context)
        self.process.said.connect(self._hear)
        self.process.ended.connect(self._ended)
        self.form = TrainingForm()
        self.form.changed.connect(self._look)
        self.form.started.connect(self.start)
        self.form.stopped.connect(self._stop)
        self.view = TrainingView()
        self.export = ExportCard(context)
        self.export.used.connect(self._use)
        self.export.failed.connect(self._export_failed)
        self.output = QPlainTextEdit("\n".join(self.process.lines))
        self.output.setReadOnly(True)
        self.output.setFixedHeight(130)
        self.output.hide()
        self._output_button = button(self.tr("Show output"), self._toggle_output, kind="quiet")
        self.header_actions.addWidget(self._output_button)
        self._no_run = self._without_run()
        scroll = PageScroll()
        for part in (self.form, self.output, self.view, self.export):
            scroll.column.addWidget(part)
        scroll.column.addWidget(self._no_run, 1)
        scroll.column.addStretch()
        self.body.addWidget(scroll, 1)
        self._timer = QTimer(self)
        self._timer.setInterval(_READ_MS)
        self._timer.timeout.connect(self._look)
        if self.process.is_running:
            self.form.run_dir.show_path(self.process.run_dir)
        self._look()

    @property
    def state(self) -> RunState:
        """The run as its folder shows it."""
        return self._folder.state

    def shown(self) -> None:
        """Follow the log while it is looked at."""
        if self._is_installed:
            self._timer.start()
            self._look()

    def left(self) -> None:
        """Leave the log alone; the run goes on."""
        if self._is_installed:
            self._timer.stop()

    def abandon(self) -> None:
        """See ``Page.abandon``; an export ends with the page, a run goes on."""
        super().abandon()
        if self._is_installed:
            self.export.command.kill()

    def start(self) -> None:
        """Start the run, or go on with the one in the folder."""
        run_dir = self.form.run_dir.path
        if run_dir is None or self.form.pack.path is None:
            return
        try:
            arguments = self.form.arguments(resume=self.state.has_checkpoint)
        except ValueError:
            self.banner.show_text(
                self.tr("The changes to the recipe cannot be read."),
                self.tr("Close the quotation mark that is open."),
                kind="bad",
            )
            return
        self.banner.hide()
        self.output.clear()
        self.process.train(run_dir, arguments)
        self._look()

    def show_item(self, what: object) -> None:
        """Show the run in a folder."""
        if self._is_installed and isinstance(what, Path):
            self.form.run_dir.show_path(what)

    def _stop(self) -> None:
        self.process.stop()
        self._look()

    def _look(self) -> None:
        folder = self.form.run_dir.path or Path()
        if folder != self._folder.folder:
            self._folder = RunFolder(folder)
        is_new = self._folder.read()
        process, state = self.process, self.state
        is_here = process.is_running and process.run_dir == folder
        self.form.show_state(state, is_running=process.is_running, is_stopping=process.is_stopping)
        self.export.show_run(
            folder,
            self.form.pack.path,
            is_ready=state.has_checkpoint and not process.is_running,
        )
        has_run = bool(state.entries) or is_here
        self.view.setVisible(has_run)
        self.export.setVisible(has_run)
        self._no_run.setVisible(not has_run)
        if is_new or is_here != self.property("wasHere"):
            self.view.show_state(state, is_running=is_here)
            self.setProperty("wasHere", is_here)

    def _hear(self, line: str) -> None:
        self.output.appendPlainText(line)

    def _ended(self, code: int) -> None:
        self._look()
        if code == 0:
            self.context.say(self.tr("The run is complete. Give the model a name to use it."))
        elif code == EXIT_CANCELLED:
            self.context.say(
                self.tr("Stopped. The run can go on from step %1.").replace(
                    "%1", f"{self.state.step:,}"
                )
            )
        else:
            self._show_failure(self.process.error)

    def _show_failure(self, sentence: str) -> None:
        self.banner.show_text(
            sentence or self.tr("The process was ended from outside."),
            self.tr("Nothing saved is lost: the last checkpoint is as it was."),
            kind="bad",
        )

    def _export_failed(self, sentence: str) -> None:
        self.banner.show_text(
            sentence or self.tr("The process was ended from outside."),
            self.tr("The model in use before stays in use."),
            kind="bad",
        )

    def _use(self, name: str) -> None:
        self.context.change_settings({"embed.model": name})
        self.context.gallery_was_changed()
        self.context.say(self.tr("%1 is in use from now on.").replace("%1", name))

    def _toggle_output(self) -> None:
        self.output.setVisible(self.output.isHidden())
        self._output_button.setText(
            self.tr("Show output") if self.output.isHidden() else self.tr("Hide output")
        )

    def _without_run(self) -> QWidget:
        return EmptyState(
            "train",
            self.tr("No run in this folder"),
            self.tr(
                "A pack is made with “facerec align” and “facerec train pack”. Training goes on "
                "in a process of its own; stop it at any time and continue later."
            ),
        )

    def _not_installed(self) -> QWidget:
        return EmptyState(
            "train",
            self.tr("Training is not installed"),
            f"{self._how_to_install()}\n\n{INSTALL_COMMAND}",
            ((self.tr("Copy the command"), self._copy_command),),
        )

    def _how_to_install(self) -> str:
        if getattr(sys, "frozen", False):
            return self.tr(
                "It needs PyTorch, which this packaged program leaves out. With Python, run this "
                "in a terminal and open the window with “facerec app”:"
            )
        return self.tr(
            "It needs PyTorch, which is larger than everything else together. "
            "Run this in a terminal, then open the window again:"
        )

    def _copy_command(self) -> None:
        QGuiApplication.clipboard().setText(INSTALL_COMMAND)
        self.context.say(self.tr("Copied"))
