"""A browser without a face: one kept connection, cookies, the form token, and a clock."""

from __future__ import annotations

import http.client
import re
import time
from dataclasses import dataclass
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urlsplit

_KEPT_SECONDS = 30
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


@dataclass(frozen=True)
class Answer:
    """What came back, and how long it took from the first byte sent to the last one read."""

    status: int
    body: str
    headers: http.client.HTTPMessage
    milliseconds: float
    size: int

    @property
    def statements(self) -> int | None:
        """SQL statements of this answer, where the server tells."""
        told = self.headers.get("X-Anju-Statements")
        return int(told) if told is not None else None

    @property
    def token(self) -> str:
        found = TOKEN.search(self.body)
        if not found:
            raise LookupError("the page holds no form token")
        return found[1]


class Client:
    """Requests to one address; raises for an answer that is no success."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self.address = address
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=120)
        self._cookies: dict[str, str] = {}
        self._last = time.monotonic()

    def get(self, path: str, **headers: str) -> Answer:
        return self._ask("GET", path, None, headers)

    def post(
        self, path: str, form: list[tuple[str, str]] | dict[str, str], **headers: str
    ) -> Answer:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        return self._ask("POST", path, urlencode(form), headers)

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self._cookies.items())

    def sign_in(self, login: str, password: str) -> None:
        token = self.get("/login/").token
        answer = self.post(
            "/login/", {"csrf_token": token, "username": login, "password": password}
        )
        if answer.status != http.client.FOUND:
            raise PermissionError(f"{login} could not sign in: {answer.status}")

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self._cookies:
            sent["Cookie"] = self.cookie
        if time.monotonic() - self._last > _KEPT_SECONDS:
            self._connection.close()  # the server has hung up by now; the next request connects
        began = time.perf_counter()
        self._connection.request(method, path, body, sent)
        response = self._connection.getresponse()
        self._last = time.monotonic()
        content = response.read()
        took = (time.perf_counter() - began) * 1000
        for line in response.headers.get_all("Set-Cookie") or []:
            for name, morsel in SimpleCookie(line).items():
                self._cookies[name] = morsel.value
        if response.status >= http.client.BAD_REQUEST:
            text = content.decode(errors="replace")
            raise RuntimeError(f"{method} {path}: {response.status}\n{text[:2000]}")
        plain = not response.headers.get("Content-Encoding")
        return Answer(
            response.status, content.decode() if plain else "", response.headers, took, len(content)
        )
