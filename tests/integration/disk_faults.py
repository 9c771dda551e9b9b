"""Let each write, and each fsync, to a gallery fail in turn: disk full, and a disk that fails.

    python -m tests.integration.disk_faults

A process does the same work each time; strace lets one of its calls fail, or all from that one on.
Every operation must then be done, or refused in a sentence and not done; and the gallery must open.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from facerec.errors import StoreError
from facerec.services.backup import verify_backup
from facerec.services.gallery import open_gallery
from tests.helpers.gallery_model import (
    Model,
    Operation,
    Worker,
    held,
    require_backups,
    require_whole,
)
from tests.helpers.power import STRACE

CONTRACT = "fa4e000000000000"
# (calls, what they answer, whether all later ones fail too)
FAULTS = (
    ("pwrite64", "ENOSPC", False),
    ("pwrite64", "ENOSPC", True),
    ("pwrite64", "EIO", False),
    ("fsync,fdatasync", "EIO", False),
    ("fsync,fdatasync", "EIO", True),
    ("ftruncate", "EIO", False),
)
_ATTACH_S = 30.0
# Positions tried of each kind of fault, however small the share.
_LEAST = 2


def work(backups: Path) -> list[Operation]:
    """What is done each time, to a gallery of four people."""
    return [
        ["enrol", "Eve", [4, 5], CONTRACT],
        ["merge", "Person 1", "Person 2"],
        ["remove", "Person 3"],
        ["back_up", str(backups / "a.backup")],
        ["erase", "Person 2"],
    ]


class Bench:
    """Runs the work on copies of one gallery."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model = Model()
        with open_gallery(folder / "prepared") as gallery:
            worker = Worker(gallery)
            for number in range(4):
                operation: Operation = ["enrol", f"Person {number}", [number], CONTRACT]
                worker.apply(operation)
                self.model = self.model.after(operation)

    def count(self, calls: str) -> int:
        """How often the work makes such a call when nothing fails."""
        log = self.folder / "calls.log"
        lines = self._run(self._fresh(), ["-o", str(log), "-e", f"trace={calls}"])
        assert [word for word, *_ in lines] == ["done"] * len(work(self.folder)), lines
        return sum(line.count(" = ") for line in log.read_text().splitlines())

    def fail(self, calls: str, answer: str, position: int, *, onwards: bool) -> Counter[str]:
        """Let a call fail; say how many operations were done, and refused with which sentence."""
        folder = self._fresh()
        fault = f"inject={calls}:error={answer}:when={position}{'+' * onwards}"
        lines = self._run(folder, ["-o", "/dev/null", "-e", f"trace={calls}", "-e", fault])
        model, refused, tally = self.model, [], Counter[str]()
        for word, operation, sentence in lines:
            tally[sentence or word] += 1
            if word == "done":
                model = model.after(operation)
                refused = []
            else:
                # What SQLite could not say is on the disk may be on it.
                refused = [operation]
        with open_gallery(folder / "gallery", create=False) as gallery:
            require_whole(gallery)
            found = held(gallery)
        possible = [model, *(model.after(operation) for operation in refused)]
        assert found in [(one.people, one.contract) for one in possible], (fault, lines)
        require_backups(model)
        if (folder / "a.backup").exists():
            verify_backup(folder / "a.backup")
        return tally

    def _fresh(self) -> Path:
        shutil.rmtree(self.folder / "run", ignore_errors=True)
        shutil.copytree(self.folder / "prepared", self.folder / "run" / "gallery")
        return self.folder / "run"

    def _run(self, folder: Path, options: list[str]) -> list[list[str]]:
        """Do the work in a forked process under strace."""
        go_reading, go = os.pipe()
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.read(go_reading, 1)
            _work_and_exit(folder, writing)
        os.close(writing)
        os.close(go_reading)
        assert STRACE is not None
        tracer = subprocess.Popen([STRACE, "-qq", "-p", str(pid), *options])
        _wait_until_traced(pid)
        os.write(go, b"g")
        os.close(go)
        with os.fdopen(reading) as stream:
            lines = [json.loads(line) for line in stream]
        _, status = os.waitpid(pid, 0)
        tracer.wait()
        assert status == 0, "The work failed with something that is no sentence; see above."
        return lines


def _work_and_exit(folder: Path, writing: int) -> None:
    status = 1
    try:
        for line in _answers(folder):
            os.write(writing, (json.dumps(line) + "\n").encode())
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    os._exit(status)


def _answers(folder: Path) -> Iterator[list[object]]:
    try:
        gallery = open_gallery(folder / "gallery", create=False)
    except StoreError as error:
        yield ["refused", ["open"], error.message]
        return
    worker = Worker(gallery)
    for operation in work(folder):
        try:
            worker.apply(operation)
        except StoreError as error:
            yield ["refused", operation, error.message]
        else:
            yield ["done", operation, ""]
    gallery.close()


def _wait_until_traced(pid: int) -> None:
    end = time.monotonic() + _ATTACH_S
    while "TracerPid:\t0\n" in Path(f"/proc/{pid}/status").read_text():
        if time.monotonic() > end:
            raise TimeoutError("strace did not attach.")
        time.sleep(0.005)


def run(share: float, seed: int) -> dict[str, object]:
    rng, start = random.Random(seed), time.monotonic()
    tally: dict[str, Counter[str]] = {}
    n_faults = 0
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        counts = {
            calls: bench.count(calls) for calls in dict.fromkeys(fault[0] for fault in FAULTS)
        }
        for calls, answer, onwards in FAULTS:
            name = f"{calls} {answer}{' from then on' * onwards}"
            tally[name] = Counter()
            n_chosen = min(counts[calls], max(_LEAST, round(share * counts[calls])))
            for position in sorted(rng.sample(range(1, counts[calls] + 1), n_chosen)):
                n_faults += 1
                tally[name] += bench.fail(calls, answer, position, onwards=onwards)
    return {
        "faults": n_faults,
        "calls": counts,
        "answers": {name: dict(found) for name, found in tally.items()},
        "seconds": round(time.monotonic() - start, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--share", type=float, default=1.0, help="of all positions, at random")
    parser.add_argument("--seed", type=int, default=3)
    chosen = parser.parse_args()
    sys.stdout.write(json.dumps(run(chosen.share, chosen.seed)) + "\n")


if __name__ == "__main__":
    main()
