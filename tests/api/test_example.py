"""The example of docs/api.md, run as another system would, against the running program."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from app.access.scope import unscoped
from app.kernel.declare.flow import State
from app.modules.surveys.lookback.model import Lookback
from tests.builders import VILLAGE_CLERK, account, api_token, household
from tests.running.programs import ROOT
from tests.running.servers import Server


def run(server: Server, secret: str, *arguments: str) -> Any:
    environment = os.environ | {"ANJU_URL": server.url, "ANJU_TOKEN": secret}
    return subprocess.run(
        [sys.executable, ROOT / "docs/examples/exchange.py", *arguments],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_another_system_reads_enters_and_submits(server: Server, tmp_path: Path) -> None:
    with server.app.app_context():
        home, survey = household(name="交换户")
        _other, old = household(name="旧户")
        with unscoped("tests arrange") as session:
            for key in (survey.id, old.id):
                session.get_one(Lookback, key).changed_at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
            session.commit()
        _token, secret = api_token(account(VILLAGE_CLERK))
    listed = run(server, secret, "changes", "2025-12-31T00:00:00+08:00")
    assert listed.returncode == 0, listed.stderr
    items = [json.loads(line) for line in listed.stdout.splitlines()]
    assert {one["head_name"] for one in items} == {"交换户", "旧户"}
    assert dt.datetime.fromisoformat(listed.stderr.strip())

    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps({"population": "四"}), encoding="utf-8")
    wrong = run(server, secret, "enter", str(home.id), str(answers), "李四", "")
    assert (wrong.returncode, "/values/population" in wrong.stderr) == (1, True)
    answers.write_text(json.dumps({"died": True}), encoding="utf-8")
    sent = run(server, secret, "enter", str(home.id), str(answers), "李四", "13800138000")
    assert (sent.returncode, sent.stdout.strip()) == (0, "submitted"), sent.stderr
    with server.app.app_context(), unscoped("tests look") as session:
        assert session.get_one(Lookback, survey.id).state == State.SUBMITTED
    refused = run(server, "anju_wrong", "changes", "2026-01-01")
    assert (refused.returncode, "令牌" in refused.stderr) == (1, True)
