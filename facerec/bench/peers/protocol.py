"""What a benchmark worker says: JSON lines over its standard input and output.

A worker is a script beside this file. It runs in a process of its own, perhaps under an interpreter
without facerec, so this module needs the standard library and numpy only. Requests and answers:

    {"op": "open", "settings": {...}}          -> {"facts": {...}}
    {"op": "load", "case": "vga", "path": ...} -> {}
    {"op": "time", "case": "vga", "min_s": 0.3, "min_runs": 3} -> {"seconds": [...]}
    {"op": "answer", "case": "vga"}            -> {"answer": ...}

A request that fails is answered by {"error": "one sentence"}. The end of the input ends the worker.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

# From one input to a result; the second function turns a result into what JSON can carry.
Work = Callable[[NDArray[Any]], Any]
Report = Callable[[Any], object]
Open = Callable[[Mapping[str, Any]], tuple[Work, Report, Mapping[str, object]]]


def serve(open_work: Open) -> None:
    """Answer requests until the input ends.

    What a program needs is imported inside ``open_work``, so that its absence is an answer, and
    what it prints while being imported ends up on standard error.

    Args:
        open_work: takes the settings; returns the work to be timed, what reports its result, and
            facts about the program (its version, its device).
    """
    # Libraries print to standard output; only answers may appear there.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    worker = _Worker(open_work)
    for line in sys.stdin:
        try:
            answer = worker.answer(json.loads(line))
        except Exception as exc:  # (the process that asked decides what it means)
            answer = {"error": f"{type(exc).__name__}: {exc}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


class _Worker:
    def __init__(self, open_work: Open) -> None:
        self._open = open_work
        self._inputs: dict[str, NDArray[Any]] = {}

    def answer(self, request: Mapping[str, Any]) -> dict[str, object]:
        operation = request["op"]
        if operation == "open":
            self._work, self._report, facts = self._open(request["settings"])
            return {"facts": dict(facts)}
        if operation == "load":
            self._inputs[request["case"]] = np.load(request["path"], allow_pickle=False)
            return {}
        data = self._inputs[request["case"]]
        if operation == "answer":
            return {"answer": self._report(self._work(data))}
        return {"seconds": self._seconds(data, request["min_s"], request["min_runs"])}

    def _seconds(self, data: NDArray[Any], min_s: float, min_runs: int) -> list[float]:
        seconds: list[float] = []
        while len(seconds) < min_runs or sum(seconds) < min_s:
            start = time.perf_counter()
            self._work(data)
            seconds.append(time.perf_counter() - start)
        return seconds
