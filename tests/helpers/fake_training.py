"""Stands in for ``facerec train run`` and the like: writes a run's files, one step at a time."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path


def main(arguments: list[str]) -> int:
    if arguments[:2] != ["train", "run"]:
        _say(f"did {' '.join(arguments[:2])}")
        if "worse" in arguments and arguments[:2] == ["models", "use"]:
            return 3
        return 1 if "broken" in arguments else 0
    parser = argparse.ArgumentParser()
    parser.add_argument("words", nargs="*")
    parser.add_argument("--pack")
    parser.add_argument("--run", type=Path)
    parser.add_argument("--from")
    parser.add_argument("--resume", action="store_true")
    given = parser.parse_args(arguments)
    settings = dict(word.split("=") for word in given.words if "=" in word)
    if "fail" in settings:
        sys.stderr.write(f"facerec: {settings['fail']}\n")
        return 1
    given.run.mkdir(parents=True, exist_ok=True)
    steps, pause = int(settings.get("steps", 3)), float(settings.get("pause", 0))
    (given.run / "recipe.json").write_text(json.dumps({"loop": {"steps": steps}}))
    log = given.run / "log.jsonl"
    done = sum('"progress"' in line for line in log.read_text().splitlines()) if given.resume else 0
    with log.open("a") as stream:
        try:
            _run(stream, given.run, given.pack, done, steps, pause)
        except KeyboardInterrupt:
            sys.stderr.write("facerec: cancelled.\n")
            return 130
    return 0


def _run(stream, run: Path, pack: str, done: int, steps: int, pause: float) -> None:
    def write(event: str, step: int, **facts: object) -> None:
        stream.write(json.dumps({"event": event, "step": step, **facts}) + "\n")
        stream.flush()

    write("start", done, pack=pack)
    for step in range(done + 1, steps + 1):
        time.sleep(pause)
        write(
            "progress", step, loss=1 / step, learning_rate=0.1,
            images_per_s=50.0, seconds_left=60.0 * (steps - step),
        )  # fmt: skip
        write("held_out", step, source="toy", tar=step / 10, rank1=step / 20)
        counts = {"mated": [0, 1, 2 * step, 1], "non_mated": [9, 6, 0, 0]}
        write("scores", step, source="toy", range=[-0.4, 1.0], **counts)
        (run / "last.pt").write_bytes(b"x")
        _say(f"step {step}")
    write("remark", steps, sentence="That was all.")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
