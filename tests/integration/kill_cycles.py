"""Kill a program at random moments of its work on a gallery, again and again.

    python -m tests.integration.kill_cycles --kills 500

Each cycle forks a process that does one kind of work until it is killed. It says what it is about
to do, and when it is done. Then the gallery must open, must hold what was said to be done, and of
what was begun all or nothing; its parts, its index and its backups must agree. Prints one line of
JSON. Add a kind of work to ``CYCLES``.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from facerec.errors import DatabaseCorruptError
from facerec.gallery import migrate
from facerec.gallery.backends.sqlite import PAGE_SIZE_BYTES, SqliteBackend
from facerec.services.backup import back_up
from facerec.services.gallery import open_gallery
from facerec.services.repair import repair
from facerec.services.restore import restore
from tests.helpers.gallery_model import (
    Model,
    Operation,
    Worker,
    digest,
    draw,
    held,
    require_backups,
    require_whole,
)

STEPS = (
    "enrol", "merge", "rename", "remove", "set_aside", "re_embed", "undo", "redo", "erase",
    "back_up", "restore",
)  # fmt: skip
OLDEST_REVISION = "0001"
N_PHOTOS = 60
_MAX_WAIT_S = 60.0
Say = Callable[[str, Operation], None]


@dataclass
class Tally:
    """What happened.

    Attributes:
        kills: how many processes were killed.
        in_flight: kind of work -> kills in the middle of it.
        acknowledged: operations that were said to be done.
        kept: operations that were killed before they said so, and were done.
    """

    kills: int = 0
    in_flight: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    kept: int = 0


class Killer:
    """Runs work in forked processes and kills them; learns how long each kind of work takes."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.tally = Tally()
        self._usual_s: dict[str, float] = {}

    def run(
        self, kind: str, work: Callable[[Say], None], most_begun: int = 3
    ) -> tuple[list[Operation], Operation]:
        """Do work until killed.

        Returns:
            The operations done, and the one that was begun and not said to be done (or nothing).
        """
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            self._be_the_child(work, reading, writing)
        os.close(writing)
        n_begun, text = self.rng.randint(1, most_begun), b""
        start = time.monotonic()
        while text.count(b'["begin"') < n_begun and time.monotonic() - start < _MAX_WAIT_S:
            if select.select([reading], [], [], 0.05)[0]:
                part = os.read(reading, 65536)
                text += part
                if not part:
                    break
        time.sleep(self.rng.uniform(0.0, 1.2 * self._usual_s.get(kind, 0.02)))
        os.kill(pid, signal.SIGKILL)
        while part := os.read(reading, 65536):
            text += part
        os.close(reading)
        _, status = os.waitpid(pid, 0)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status):
            raise AssertionError(f"The work ({kind}) failed; see above.")
        self.tally.kills += os.WIFSIGNALED(status)
        return self._understood(kind, text)

    def _be_the_child(self, work: Callable[[Say], None], reading: int, writing: int) -> None:
        os.close(reading)

        def say(word: str, operation: Operation) -> None:
            line = json.dumps([word, time.monotonic(), operation]) + "\n"
            os.write(writing, line.encode())

        try:
            work(say)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)

    def _understood(self, kind: str, text: bytes) -> tuple[list[Operation], Operation]:
        done: list[Operation] = []
        begun: Operation = []
        began = 0.0
        for line in text.splitlines(keepends=True):
            if not line.endswith(b"\n"):
                continue
            word, moment, operation = json.loads(line)
            if word == "begin":
                begun, began = operation, moment
            else:
                done.append(operation)
                if operation[0] == kind:
                    usual = self._usual_s.get(kind, moment - began)
                    self._usual_s[kind] = 0.7 * usual + 0.3 * (moment - began)
                begun = []
        self.tally.acknowledged += len(done)
        if begun:
            self.tally.in_flight[str(begun[0])] += 1
        return done, begun


class Steps:
    """Work on one gallery that lives through all cycles."""

    def __init__(self, folder: Path, killer: Killer) -> None:
        self.folder, self.killer = folder / "gallery", killer
        self.backups = folder / "backups"
        self.backups.mkdir()
        self.model = Model()

    def cycle(self, kind: str) -> None:
        seed = self.killer.rng.randrange(2**32)

        def work(say: Say) -> None:
            rng, model = random.Random(seed), self.model
            with open_gallery(self.folder, min_saved=1) as gallery:
                worker = Worker(gallery)
                while True:
                    chosen = kind if rng.random() < 0.7 else "enrol"
                    operation = draw(rng, model, chosen, self.backups)
                    say("begin", operation)
                    worker.apply(operation)
                    say("done", operation)
                    model = model.after(operation)

        done, begun = self.killer.run(kind, work)
        for operation in done:
            self.model = self.model.after(operation)
        self._require(begun)

    def _require(self, begun: Operation) -> None:
        with open_gallery(self.folder, min_saved=1) as gallery:
            require_whole(gallery)
            found = held(gallery)
            possible = [self.model, *([self.model.after(begun)] if begun else [])]
            fitting = [model for model in possible if found == (model.people, model.contract)]
            assert fitting, (begun, found, self.model.people)
        if begun and begun[0] == "back_up":
            # It left nothing under the backup's name, or a whole one.
            is_there = Path(str(begun[1])).exists()
            self.model = self.model.after(begun) if is_there else self.model
        else:
            self.killer.tally.kept += fitting[0] is not self.model
            self.model = fitting[0]
        require_backups(self.model)
        for path in sorted(self.model.backups)[:-2]:
            Path(path).unlink()
            del self.model.backups[path]
        for path in self.folder.glob("replaced-*.backup"):
            path.unlink()


class Opening:
    """Work that is done once to a gallery as it was prepared: opening it, mending it."""

    def __init__(self, folder: Path, killer: Killer) -> None:
        self.folder, self.killer = folder, killer
        self.model = Model()
        prepared = folder / "prepared"
        with open_gallery(prepared) as gallery:
            worker = Worker(gallery)
            for number in range(6):
                operation: Operation = ["enrol", f"Person {number}", [number], "fa4e000000000000"]
                worker.apply(operation)
                self.model = self.model.after(operation)
            back_up(gallery, folder / "a.backup")
        shutil.copytree(prepared, folder / "old")
        backend = SqliteBackend.open(folder / "old", create=False, busy_timeout_s=10.0)
        with backend.migrating() as connection:
            migrate.downgrade(connection, OLDEST_REVISION)
        backend.close()
        shutil.copytree(prepared, folder / "damaged")
        with (folder / "damaged" / "gallery.db").open("rb+") as stream:
            stream.write(b"\xa5" * PAGE_SIZE_BYTES)

    def migrate(self) -> None:
        self._once("migrate", "old", lambda folder: open_gallery(folder).close())

    def repair(self) -> None:
        self._once("repair", "damaged", repair)

    def restore_damaged(self) -> None:
        self._once(
            "restore_damaged", "damaged", lambda folder: restore(folder, self.folder / "a.backup")
        )

    def _once(self, kind: str, prepared: str, act: Callable[[Path], object]) -> None:
        folder = self.folder / f"at work {self.killer.tally.kills}"
        shutil.copytree(self.folder / prepared, folder)

        def work(say: Say) -> None:
            say("begin", [kind])
            act(folder)
            say("done", [kind])
            # Wait for the end in the way others have: with the work done.
            time.sleep(_MAX_WAIT_S)

        done, _ = self.killer.run(kind, work, most_begun=1)
        try:
            open_gallery(folder, create=False).close()
        except DatabaseCorruptError:  # as it was before
            assert not done
            assert prepared == "damaged"
            act(folder)
        with open_gallery(folder, create=False) as gallery:
            require_whole(gallery)
            assert held(gallery) == (self.model.people, self.model.contract)
        shutil.rmtree(folder)


def cycles(folder: Path, killer: Killer) -> dict[str, Callable[[], None]]:
    """Kind of work -> one cycle of it."""
    for shot in range(N_PHOTOS):  # made once, before the processes are forked
        digest(shot)
    (folder / "opening").mkdir()
    steps, opening = Steps(folder, killer), Opening(folder / "opening", killer)
    made: dict[str, Callable[[], None]] = {
        kind: lambda kind=kind: steps.cycle(kind)  # type: ignore[misc]
        for kind in STEPS
    }
    return {
        **made,
        "migrate": opening.migrate,
        "repair": opening.repair,
        "restore_damaged": opening.restore_damaged,
    }


def run(folder: Path, n_kills: int, seed: int) -> Tally:
    killer = Killer(random.Random(seed))
    kinds = cycles(folder, killer)
    while killer.tally.kills < n_kills:
        # All in turn, so that few kills are of many kinds.
        list(kinds.values())[killer.tally.kills % len(kinds)]()
    return killer.tally


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        tally = run(Path(folder), chosen.kills, chosen.seed)
    answer = {
        "kills": tally.kills,
        "in_flight": dict(sorted(tally.in_flight.items())),
        "n_in_flight": tally.in_flight.total(),
        "acknowledged": tally.acknowledged,
        "kept_without_word": tally.kept,
        "seconds": round(time.monotonic() - start, 1),
    }
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
