"""Processes of the program beside the tests, with an environment of their own.

They are forked from one that imported the program (:mod:`tools.programs`), as the suite starts a hundred. That a
fresh Python starts is tested where that is the point (``test_modules_without``, ``test_worked_example``).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tools import programs

ROOT = Path(__file__).resolve().parents[2]


class Done(NamedTuple):
    """What a command said, and with which code it ended."""

    returncode: int
    stdout: str
    stderr: str


def start(
    main: Callable[[], object], environment: Mapping[str, str], log: Path, *arguments: str
) -> BaseProcess:
    """A running process in which ``main`` finds these arguments and this environment. ``main`` is known by
    its name in its module; what it says goes to ``log``.
    """
    return _start(main, environment, (log, log), arguments)


def run(environment: Mapping[str, str], *arguments: str, timeout: float = 120) -> Done:
    """A command such as ``flask jobs work --once``, at its end."""
    with TemporaryDirectory(prefix="anju-command-") as folder:
        said = Path(folder, "out"), Path(folder, "err")
        process = _start(programs.flask, environment, said, arguments)
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"flask {' '.join(arguments)}: no end within {timeout} s")
        out, err = (each.read_text() for each in said)
        return Done(process.exitcode, out, err)


def _start(
    main: Callable[[], object], environment: Mapping[str, str], said: tuple[Path, Path],
    arguments: tuple[str, ...],
) -> BaseProcess:  # fmt: skip
    for path in said:
        path.touch()
    return programs.start(_become, main, dict(environment), said, arguments)


def _become(
    main: Callable[[], object], environment: dict[str, str], said: tuple[Path, Path],
    arguments: tuple[str, ...],
) -> None:  # fmt: skip
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    for stream, path in zip((sys.stdout, sys.stderr), said, strict=True):
        with path.open("ab") as to:
            os.dup2(to.fileno(), stream.fileno())
    programs.command(main, *arguments)
