"""Tasks."""

from __future__ import annotations

from facerec.progress import SilentTask, Task


def test_silent_task_takes_every_step_and_says_nothing() -> None:
    task: Task = SilentTask()

    for done in range(3):
        task.step("detect", done, 2)

    assert vars(task) == {}
