"""Import of a list of 100,000 households: the time and the memory of the command."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import xlsxwriter
from sqlalchemy import create_engine, make_url, text

from bench.data import GIVEN, SURNAMES, id_number
from bench.database import FOLDER, ROOT, environment
from bench.measure import Result

ROWS = 100_000
FIRST = 10_000_000  # numbers of identities that the household builder never reaches
HEADS = (
    "省（自治区、直辖市）", "市（州、盟）", "县（市、区、旗）", "乡（镇）", "村", "村民小组", "户主姓名",
    "身份证号", "性别", "民族", "联系电话", "家庭户籍人口", "脱贫年份",
)  # fmt: skip
_VILLAGES = """
    SELECT t.name AS town, v.name AS village FROM region v JOIN region t ON t.id = v.parent_id
    WHERE v.level = 5 AND v.path >= :low AND v.path < :high ORDER BY v.path
"""


def imported(copy: str) -> Result:
    """Measure on a copy, so that the kept database stays as it was made."""
    file = workbook(copy, FIRST)
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "exchange", "import", "household", str(file),
         "--as", "county", "--json", "--workbook", str(FOLDER / "marked.xlsx")],
        cwd=ROOT, env=environment(copy), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    memory = 0.0
    while (ended := os.wait4(process.pid, os.WNOHANG))[0] == 0:
        memory = max(memory, own_memory(process.pid))
        time.sleep(0.1)
    _pid, status, usage = ended
    told = process.stdout.read() if process.stdout else ""
    took = (time.perf_counter() - began) * 1000
    if status:
        raise RuntimeError(f"the import failed:\n{told}")
    note = (
        f"{usage.ru_utime + usage.ru_stime:.1f} s of processor; {memory:.0f} MB at most;"
        f" {told.strip()}"
    )
    return Result(
        f"import {ROWS:,} rows, checked", round(took), round(took), None, None, None, 60_000, note
    )


def own_memory(process: int) -> float:
    """MB that the process holds for itself, without the mapped pages of a database's file, which
    the system takes back when it needs them; 0 once it has ended.
    """
    try:
        status = Path(f"/proc/{process}/status").read_text()
        return int(status.split("RssAnon:")[1].split()[0]) / 1024
    except (OSError, IndexError):
        return 0.0


@contextmanager
def scratch(url: str) -> Iterator[str]:
    """A copy of a database that nobody uses; gone afterwards."""
    made = make_url(url)
    if made.get_backend_name() == "sqlite":
        target = FOLDER / "scratch.db"
        shutil.copyfile(made.database or "", target)
        yield f"sqlite:///{target}"
        for suffix in ("", "-wal", "-shm", ".deploy"):
            Path(f"{target}{suffix}").unlink(missing_ok=True)
        return
    server = made.set(drivername="postgresql", database="postgres")
    with psycopg.connect(server.render_as_string(hide_password=False), autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS anju_bench_scratch WITH (FORCE)")
        admin.execute(
            f'CREATE DATABASE anju_bench_scratch TEMPLATE "{made.database}" STRATEGY FILE_COPY'
        )
        yield made.set(database="anju_bench_scratch").render_as_string(hide_password=False)
        admin.execute("DROP DATABASE anju_bench_scratch WITH (FORCE)")


def workbook(url: str, first: int) -> Path:
    """The list as a county would send it: text and numbers, every village of the county; ``first`` is the
    number of the first identity.
    """
    engine = create_engine(url)
    with engine.connect() as connection:
        county = connection.execute(
            text("SELECT path FROM region WHERE code = '610122000000' AND level = 3")
        ).scalar_one()
        villages = connection.execute(
            text(_VILLAGES), {"low": county, "high": county[:-1] + "/"}
        ).all()
    engine.dispose()
    file = FOLDER / "list.xlsx"
    with xlsxwriter.Workbook(file, {"constant_memory": True}) as book:
        sheet = book.add_worksheet("脱贫户名单")
        sheet.write_row(0, 0, HEADS)
        for n in range(ROWS):
            town, village = villages[n % len(villages)]
            name = SURNAMES[n % len(SURNAMES)] + GIVEN[n % 41] + GIVEN[n % 37]
            identity = id_number("610122", first + n)
            row = (
                "陕西省", "西安市", "蓝田县", town, village, f"{n % 9 + 1}组", name, identity,
                "男" if int(identity[16]) % 2 else "女", "汉族", f"139{n:08}", n % 6 + 1, 2014 + n % 7,
            )  # fmt: skip
            sheet.write_row(n + 1, 0, row)
    return file
