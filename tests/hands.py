"""A browser's hands without a browser: a signed-in client that posts with its CSRF token."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

_TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')


def read(answer: TestResponse) -> TestResponse:
    """The answer, as somebody sees it who reads it: no page shows an object of the program, as a template
    does that names what a dict lacks and a method of dicts is called.
    """
    if answer.mimetype == "text/html":
        assert b" object at 0x" not in answer.data, answer.text
    return answer


@dataclass
class Hands:
    """One signed-in account."""

    app: Flask
    client: FlaskClient

    def get(self, url: str, **options: Any) -> TestResponse:
        return read(self.client.get(url, **options))

    def post(self, url: str, data: Any = None, **options: Any) -> TestResponse:
        """A form, as a page of ours sends it."""
        return self.client.post(
            url, data=dict(data or {}) | {"csrf_token": self.token()}, **options
        )

    def post_json(self, url: str, body: Any) -> TestResponse:
        return self.client.post(
            url, json=body, headers={"X-CSRFToken": self.token(), "Accept": "application/json"}
        )

    def upload(self, url: str, content: bytes, name: str = "照片.jpg") -> TestResponse:
        return self.post(
            url, {"file": (io.BytesIO(content), name)}, content_type="multipart/form-data"
        )

    def token(self) -> str:
        found = _TOKEN.search(self.client.get("/help/").text)
        assert found
        return found[1]
