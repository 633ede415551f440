"""Processes of the program that stand at once, and end with whoever started them.

A fresh Python needs four seconds of processor time until the program stands, nearly all of it for imports.
These are forked from one that imported all of it, and made no application that is used and no connection.
Each leads a group of its own, takes signals and can be killed like any other.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import cast

_GRACE = 2.0  # seconds in which a process whose starter is gone may finish what it does
_END = 20.0  # seconds until one that was killed is gone, on the busiest machine
_forked = multiprocessing.get_context("forkserver")
_forked.set_forkserver_preload(["tools.preloaded"])


def warm_up() -> None:
    """Begin to import, beside whatever the caller does next. The program's folder is the current one."""
    forkserver.ensure_running()


def start(act: Callable[..., object], *told: object) -> BaseProcess:
    """A process that does ``act(*told)``; ``act`` is known by its name in its module. It ends soon after
    the caller does, however that ends.
    """
    process = _forked.Process(target=_lead, args=(_lifeline()[0], act, told), daemon=True)
    process.start()
    return process


def end(process: BaseProcess) -> None:
    """Kill it with all that it started."""
    with suppress(ProcessLookupError):  # nobody is left of it, or it leads no group yet
        os.killpg(cast("int", process.pid), signal.SIGKILL)
    process.kill()
    process.join(_END)


def command(main: Callable[[], object], *arguments: str) -> None:
    """``main`` finds the arguments as a command does; for :func:`start`."""
    sys.argv = [main.__name__, *arguments]
    main()


def flask() -> None:
    from flask.cli import main

    main()


def gunicorn() -> None:
    from gunicorn.app.wsgiapp import run

    run()


@functools.cache
def _lifeline() -> tuple[Connection, Connection]:
    """A pipe that nobody writes to. Its end breaks off when this process is gone, which holds the other."""
    return multiprocessing.Pipe(duplex=False)


def _lead(line: Connection, act: Callable[..., object], told: tuple[object, ...]) -> None:
    os.setsid()
    threading.Thread(target=_end_with_starter, args=(line,), daemon=True).start()
    act(*told)


def _end_with_starter(line: Connection) -> None:
    line.poll(None)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE)
    os.killpg(0, signal.SIGKILL)
