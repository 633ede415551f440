"""Clocks: a task beside its floor, many sessions at once."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from bench.client import Answer

WARM_UP = 5


@dataclass(frozen=True)
class Result:
    """One line of the table; times in milliseconds. ``limit`` is what "Anju must" says."""

    task: str
    median_ms: float
    p95_ms: float
    statements: int | None
    floor_ms: float | None
    ratio: float | None
    limit_ms: float | None = None
    note: str = ""

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def beside_floor(
    task: str,
    program: Sequence[Callable[[], Answer]],
    floor: Sequence[Callable[[], Answer]],
    *,
    times: int,
    limit_ms: float | None = None,
) -> Result:
    """Ask program and floor in turn, each time the next of their requests."""
    taken: list[float] = []
    bare: list[float] = []
    told: list[int] = []
    for n in range(WARM_UP + times):
        answer = program[n % len(program)]()
        lowest = floor[n % len(floor)]()
        if n < WARM_UP:
            continue
        taken.append(answer.milliseconds)
        bare.append(lowest.milliseconds)
        if answer.statements is not None:
            told.append(answer.statements)
    median, base = statistics.median(taken), statistics.median(bare)
    return Result(
        task, round(median, 2), round(p95(taken), 2), max(told, default=0) or None,
        round(base, 2), round(median / base, 1), limit_ms,
    )  # fmt: skip


def p95(values: Sequence[float]) -> float:
    return sorted(values)[max(0, round(len(values) * 0.95) - 1)]


@dataclass(frozen=True)
class Crowd:
    """What many sessions got together."""

    requests: int
    requests_per_second: float
    median_ms: float
    p95_ms: float
    errors: int
    cpu_ms: float = 0.0  # of the web workers, for each request

    def __str__(self) -> str:
        return (
            f"{self.requests_per_second:.0f} requests/s, {self.cpu_ms:.1f} ms processor each,"
            f" {self.errors} errors"
        )


def crowd(
    address: str, requests: Sequence[Sequence[bytes]], seconds: float, pause: float = 0
) -> Crowd:
    """Sessions that ask one after the other, all at once; each has its own list of raw requests.

    ``pause`` is the mean time a person looks at a page, in seconds. Bounded by ``seconds``.
    """
    return asyncio.run(_crowd(address, requests, seconds, pause))


async def _crowd(
    address: str, requests: Sequence[Sequence[bytes]], seconds: float, pause: float
) -> Crowd:
    parts = urlsplit(address)
    taken: list[float] = []
    errors = 0
    end = time.perf_counter() + seconds

    async def session(number: int, own: Sequence[bytes]) -> None:
        nonlocal errors
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        await asyncio.sleep(pause * number / max(1, len(requests)))
        turn = 0
        while time.perf_counter() < end:
            began = time.perf_counter()
            writer.write(own[turn % len(own)])
            if await _read(reader) != 200:
                errors += 1
            taken.append((time.perf_counter() - began) * 1000)
            turn += 1
            if pause:
                await asyncio.sleep(pause)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(session(number, own) for number, own in enumerate(requests)))
    spent = time.perf_counter() - began
    return Crowd(len(taken), len(taken) / spent, statistics.median(taken), p95(taken), errors)


async def _read(reader: asyncio.StreamReader) -> int:
    """Read one answer with a known length; its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
    await reader.readexactly(length)
    return int(head.split(b" ", 2)[1])


def raw(path: str, address: str, cookie: str) -> bytes:
    """A GET request as it goes over the wire."""
    host = urlsplit(address).netloc
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}"]
    if cookie:
        lines.append(f"Cookie: {cookie}")
    return "\r\n".join([*lines, "", ""]).encode()
