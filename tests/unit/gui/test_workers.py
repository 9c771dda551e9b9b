"""Jobs and runners: order, progress, cancelling, errors, and on which thread all this arrives."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from facerec.errors import NoFaceError
from gui.workers.job import Job, JobState
from gui.workers.runner import Runner, Runners


@pytest.fixture
def runner(qapp) -> Iterator[Runner]:
    made = Runner("test")
    yield made
    made.shut_down()
    assert made.wait(5)


def _endings(job: Job) -> list[str]:
    heard: list[str] = []
    for name in ("started", "succeeded", "failed", "cancelled", "finished"):
        getattr(job, name).connect(lambda *_, name=name: heard.append(name))
    return heard


def test_result_arrives_on_the_gui_thread(runner: Runner, qtbot) -> None:
    threads = []
    job = runner.submit(lambda task: threading.get_ident())
    job.succeeded.connect(lambda worker: threads.extend([worker, threading.get_ident()]))
    heard = _endings(job)

    with qtbot.waitSignal(job.finished):
        runner.start(job)

    assert threads[0] != threads[1] == threading.get_ident()
    assert heard == ["started", "succeeded", "finished"]
    assert job.state is JobState.SUCCEEDED


def test_exception_arrives_as_it_was_raised(runner: Runner, qtbot) -> None:
    error = NoFaceError("No face was found.")

    def fail(task: object) -> None:
        raise error

    job = runner.submit(fail)
    heard = _endings(job)
    with qtbot.waitSignal(job.failed) as blocker:
        runner.start(job)

    assert blocker.args == [error]
    assert heard == ["started", "failed", "finished"]


def test_jobs_run_one_after_the_other_in_order(runner: Runner, qtbot) -> None:
    done: list[int] = []
    jobs = [runner.submit(lambda task, n=n: done.append(n)) for n in range(5)]

    for job in jobs:
        runner.start(job)
    with qtbot.waitSignal(jobs[-1].finished):
        assert runner.is_busy

    assert done == [0, 1, 2, 3, 4]
    assert not runner.is_busy


def test_running_job_stops_at_its_next_step(runner: Runner, qtbot) -> None:
    begun = threading.Event()

    def work(task) -> None:
        while True:
            begun.set()
            task.step("spin", 0, 1)

    job = runner.submit(work)
    heard = _endings(job)
    with qtbot.waitSignal(job.finished):
        runner.start(job)
        assert begun.wait(5)
        job.cancel()

    assert heard == ["started", "cancelled", "finished"]


def test_job_cancelled_while_it_waits_never_starts(runner: Runner, qtbot) -> None:
    gate = threading.Event()
    ran: list[bool] = []
    runner.start(runner.submit(lambda task: gate.wait(5)))
    job = runner.submit(lambda task: ran.append(True))
    heard = _endings(job)
    runner.start(job)

    job.cancel()
    with qtbot.waitSignal(job.finished):
        gate.set()

    assert ran == []
    assert heard == ["cancelled", "finished"]


def test_progress_is_throttled_but_its_end_is_told(runner: Runner, qtbot) -> None:
    def work(task) -> None:
        for n in range(1, 1001):
            task.step("count", n, 1000)

    job = runner.submit(work)
    reports: list[tuple[str, int, int]] = []
    job.progressed.connect(lambda *report: reports.append(report))
    with qtbot.waitSignal(job.finished):
        runner.start(job)

    assert 1 <= len(reports) < 100
    assert reports[-1] == ("count", 1000, 1000)


def test_busy_is_told_at_the_first_and_after_the_last_job(runner: Runner, qtbot) -> None:
    told: list[bool] = []
    runner.busy_changed.connect(lambda: told.append(runner.is_busy))
    jobs = [runner.submit(lambda task: None) for _ in range(3)]

    with qtbot.waitSignal(jobs[-1].finished):
        for job in jobs:
            runner.start(job)

    assert told == [True, False]


def test_shutting_down_cancels_what_runs_and_waits(qapp, qtbot) -> None:
    runners = Runners()
    begun = threading.Event()
    order: list[str] = []

    def work(task) -> None:
        begun.set()
        try:
            while True:
                task.step("spin", 0, 1)
        finally:
            order.append("job over")

    runners.compute.start(runners.compute.submit(work))
    waiting = runners.compute.start(runners.compute.submit(lambda task: order.append("never")))
    assert begun.wait(5)
    runners.shut_down(before_end=lambda: order.append("closed"))

    assert runners.wait(5)
    qtbot.waitUntil(lambda: waiting.is_over)
    assert order == ["job over", "closed"]


def test_job_started_after_shutting_down_is_cancelled(qapp, qtbot) -> None:
    runner = Runner("late")
    runner.shut_down()
    assert runner.wait(5)
    job = runner.submit(lambda task: None)

    with qtbot.waitSignal(job.cancelled):
        runner.start(job)
