"""Fuzz one target: ``python -m tests.fuzz image --seconds 1800 --corpus FOLDER``.

Needs atheris. Inputs that reach new branches gather in the corpus; one that breaks a rule, takes
longer than ten seconds or more than 2 GiB is written to ``crash-*`` there and ends the run with a
traceback.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import sys
import tempfile
from pathlib import Path

import atheris

from tests.fuzz.targets import TARGETS, run_once

HANG_S = 10
MEMORY_MIB = 2048
MAX_BYTES = 20_000


def main() -> None:
    """Run libFuzzer over a target."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--seconds", type=int, default=60, help="0: until --runs or Ctrl-C")
    parser.add_argument("--runs", type=int, default=-1)
    parser.add_argument("--seed", type=int, default=0, help="0: another one each time")
    parser.add_argument("--corpus", type=Path, help="kept for the next run")
    chosen = parser.parse_args()
    target = TARGETS[chosen.target]
    with tempfile.TemporaryDirectory() as passing:
        corpus = chosen.corpus or Path(passing)
        corpus.mkdir(parents=True, exist_ok=True)
        for seed in target.seeds():
            run_once(target, seed)
            (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
        _watch(target.modules)
        options = [
            f"-max_total_time={chosen.seconds}",
            f"-runs={chosen.runs}",
            f"-seed={chosen.seed}",
            f"-timeout={HANG_S}",
            f"-rss_limit_mb={MEMORY_MIB}",
            f"-max_len={MAX_BYTES}",
            f"-artifact_prefix={corpus}/",
            "-print_final_stats=1",
            "-verbosity=0" if chosen.runs > 0 else "-verbosity=1",
        ]
        atheris.Setup([sys.argv[0], *options, str(corpus)], lambda data: run_once(target, data))
        atheris.Fuzz()


def _watch(prefixes: tuple[str, ...]) -> None:
    """Have the branches of loaded modules counted."""
    for prefix in prefixes:
        importlib.import_module(prefix)
    for name, module in list(sys.modules.items()):
        if any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes):
            for value in list(vars(module).values()):
                _watch_functions(value, name)


def _watch_functions(value: object, module: str) -> None:
    if isinstance(value, type) and value.__module__ == module:
        for part in list(vars(value).values()):
            _watch_functions(part, module)
    function = getattr(value, "__func__", value)
    if getattr(function, "__module__", "") == module and hasattr(function, "__code__"):
        atheris.instrument_func(function)


if __name__ == "__main__":
    main()
