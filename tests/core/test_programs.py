"""Processes that tests start are forked with all of the program imported, and are processes as any."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from tests.running import programs


def look() -> None:
    print("app.pages" in sys.modules, os.environ["WHAT"], sys.argv[1:], Path.cwd())


def wait() -> None:
    time.sleep(60)


def test_it_has_the_program_and_what_it_was_told(tmp_path: Path) -> None:
    process = programs.start(look, {"WHAT": "ever"}, tmp_path / "log", "a", "b")
    process.join(20)
    assert process.exitcode == 0
    said = (tmp_path / "log").read_text()
    assert said == f"True ever ['a', 'b'] {programs.ROOT}\n"


def test_it_leads_a_group_that_can_be_killed(tmp_path: Path) -> None:
    process = programs.start(wait, os.environ, tmp_path / "log")
    assert process.pid
    for _try in range(200):
        if os.getpgid(process.pid) == process.pid:
            break
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.join(20)
    assert process.exitcode == -signal.SIGKILL


def test_a_command_says_how_it_ended() -> None:
    done = programs.run(os.environ | {"FLASK_APP": "app:create_app"}, "nonsense")
    assert done.returncode == 2
    assert "No such command 'nonsense'" in done.stderr
    assert done.stdout == ""
