"""Export of some 50,000 records to Excel, from the click to the finished file, beside XlsxWriter alone."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import xlsxwriter
from python_calamine import CalamineWorkbook
from sqlalchemy import Connection, text

from bench.client import Client
from bench.database import FOLDER
from bench.measure import Result

WANTED = 50_000
LONGEST = 600  # seconds
PATH = "/exchange/export/lookback"


def exported(client: Client, connection: Connection, worker: int) -> Result:
    """``worker`` is the process that runs background jobs; its memory is looked at."""
    region, rows = province(connection)
    target = f"{PATH}?region={region}"
    form = {"csrf_token": client.get(target).token, "reason": "性能测试"}
    before = _peak_memory(worker)
    began = time.perf_counter()
    client.post(target, form)
    job = _await(connection, began)
    took = (time.perf_counter() - began) * 1000
    files = job.files if isinstance(job.files, list) else json.loads(job.files)
    cells = _cells(_stored(files[-1]["key"]))
    floor = _written_alone(cells)
    note = (
        f"{rows:,} x {len(cells[0])}; {_peak_memory(worker):.0f} MB at most"
        f" ({before:.0f} MB before)"
    )  # fmt: skip
    return Result(
        "export to Excel, in the background", round(took), round(took), None, round(floor),
        round(took / floor, 2), round(floor * 1.1), note,
    )  # fmt: skip


def province(connection: Connection) -> tuple[int, int]:
    """(region, rows) of the smallest province with at least the wanted rows, else of the largest."""
    counted = connection.execute(
        text(
            "SELECT province_id AS id, count(*) AS n FROM lookback GROUP BY province_id ORDER BY n"
        )
    ).all()
    connection.rollback()
    found = next((row for row in counted if row.n >= WANTED), counted[-1])
    return int(found.id), int(found.n)


def _await(connection: Connection, began: float) -> Any:
    query = text(
        "SELECT state, message, files FROM job WHERE kind = 'ledger.export'"
        " ORDER BY created DESC LIMIT 1"
    )
    while time.perf_counter() - began < LONGEST:
        job = connection.execute(query).one()
        connection.rollback()
        if job.state == "done":
            return job
        if job.state not in ("queued", "running"):
            raise RuntimeError(f"the export ended as {job.state}: {job.message}")
        time.sleep(0.1)
    raise RuntimeError(f"the export took more than {LONGEST} s")


def _stored(key: str) -> Path:
    return next(path for path in (FOLDER / "files").rglob("*") if path.as_posix().endswith(key))


def _cells(file: Path) -> list[list[Any]]:
    with file.open("rb") as stream:
        return CalamineWorkbook.from_filelike(stream).get_sheet_by_index(0).to_python()


def _written_alone(cells: list[list[Any]]) -> float:
    """Milliseconds that XlsxWriter takes for the same cells, with constant memory."""
    began = time.perf_counter()
    with xlsxwriter.Workbook(FOLDER / "alone.xlsx", {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(cells):
            for column, value in enumerate(row):
                if isinstance(value, str):
                    sheet.write_string(number, column, value)
                else:
                    sheet.write(number, column, value)
    return (time.perf_counter() - began) * 1000


def _peak_memory(process: int) -> float:
    """Most memory that the process ever held, in MB."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024
