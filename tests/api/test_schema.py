"""The API answers as its own document says, whatever is sent: driven by Schemathesis, with the same
requests every time.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.access.accounts import tokens
from app.access.divisions.regions import Level
from app.kernel.declare.register import all_registers
from app.modules.surveys.lookback.register import LOOKBACK
from tests.api.conftest import Caller
from tests.builders import (
    COUNTY_MANAGER,
    NEXT_COUNTY,
    attach,
    below,
    complete,
    full_house,
    household,
    region,
)

CONFORMS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
#: Requests to each address and method; other registers have the same addresses as the look-back.
EXAMPLES = 3
EXAMPLES_OF_OTHERS = 1

pytestmark = pytest.mark.one_database


@dataclass
class Document:
    """The API's document, loaded, and who calls."""

    app: Flask
    loaded: Any
    caller: Caller

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.caller.secret}", "Accept-Encoding": "identity"}

    def operations(self) -> Iterator[Any]:
        for found in self.loaded.get_all_operations():
            yield found.ok()

    def drive(self, operation: Any, mode: GenerationMode, known: Any, check: Any) -> None:
        """``check`` some requests of an operation about the rows ``known``."""

        others = {r.name for r in all_registers()} - {LOOKBACK.name}
        asked = EXAMPLES_OF_OTHERS if register_in(operation.path) in others else EXAMPLES

        @settings(
            max_examples=asked, derandomize=True, database=None, deadline=None,
            phases=[Phase.generate], suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy(mode, path_parameters=named(operation.path, known)))
        def run(case: Any) -> None:
            check(case)

        run()


@pytest.fixture
def document(
    app: Flask, system: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch
) -> Document:
    """A token may do what its owner may in every register, and as often as it likes."""
    monkeypatch.setattr(tokens, "_count", lambda _token, _address: None)
    writes = {r.name: "enter" if r.entered else "read" for r in all_registers()}
    caller = system(COUNTY_MANAGER, **writes)
    loaded = schemathesis.openapi.from_dict(json.loads(caller.get("/openapi.json").text))
    loaded.app = app
    return Document(app, loaded, caller)


def rows(app: Flask, place: Any = None) -> dict[str, Any]:
    """A household whose survey says all there is to say, with a file; and one not entered yet."""
    with app.app_context():
        home, survey = household(place, name="远方的人" if place else "本地的人")
        complete(survey, full_house(), ("front_photos", "judged_paper"))
        file = attach(survey, "risky_photos")[0]
        free, _missing = household(place, name="远方另一户")
    return {
        "home": str(home.id), "survey": str(survey.id), "file": str(file.id),
        "region": home.region_id, "free": str(free.id),
    }  # fmt: skip


def named(path: str, known: dict[str, Any]) -> dict[str, Any] | None:
    """What stands in an address about these rows."""
    found: dict[str, Any] = {}
    if "{file_id}" in path:
        found["file_id"] = known["file"]
    if "{id}" in path:
        of = {"household": "home", "divisions": "region"}.get(register_in(path), "survey")
        found["id"] = known[of]
    if "{name}" in path:
        found["name"] = "structure"
    return found or None


def register_in(path: str) -> str:
    """The register of an address, ``/api/v1/lookback/…``."""
    return path.split("/")[3]


def make_true(case: Any, document: Document, known: dict[str, Any]) -> None:
    """Give a request the version and the household of today, which no document can tell."""
    changes = case.method in ("PATCH", "DELETE") or "/steps/" in case.path
    if changes and register_in(case.path) == LOOKBACK.name and "{id}" in case.path:
        version = document.caller.get(f"/lookback/{known['survey']}").json["version"]
        case.headers = {**(case.headers or {}), "If-Match": f'"{version}"'}
        if isinstance(case.body, dict):
            case.body.pop("version", None)
    if isinstance(case.body, dict) and "household_id" in case.body:
        case.body["household_id"] = known["free"]


def test_the_document_is_sound(document: Document) -> None:
    document.loaded.validate()
    labels = {operation.label for operation in document.operations()}
    rules = {
        f"{method} {rule.rule}"
        for rule in document.app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert len(labels) >= len(rules), "every address is told, each step by its name"


def test_answers_are_as_described(document: Document) -> None:
    """About one's own rows: no 5xx, and what comes has the status and shape that are told."""
    statuses: Counter[int] = Counter()
    for operation in document.operations():
        known = rows(document.app)

        def check(case: Any, known: dict[str, Any] = known) -> None:
            make_true(case, document, known)
            answer = case.call(headers=dict(case.headers or {}) | document.headers)
            statuses[answer.status_code] += 1
            case.validate_response(answer, checks=CONFORMS)

        document.drive(operation, GenerationMode.POSITIVE, known, check)
    assert {200, 400, 409, 422} <= statuses.keys(), statuses


def test_what_breaks_the_document_is_refused(document: Document) -> None:
    """Unknown fields, wrong types, too long texts …: 4xx with a problem, never 5xx."""
    for operation in document.operations():
        known = rows(document.app)

        def check(case: Any) -> None:
            answer = case.call(headers=document.headers)
            case.validate_response(answer, checks=[*CONFORMS, negative_data_rejection])

        document.drive(operation, GenerationMode.NEGATIVE, known, check)


def test_foreign_rows_are_not_there(document: Document) -> None:
    """Whatever is asked about a row outside one's area: as if it did not exist."""
    with document.app.app_context():
        place = below(region(NEXT_COUNTY), Level.VILLAGE)
    known = rows(document.app, place)
    for operation in document.operations():
        if not {"{id}", "{file_id}"} & set(operation.path.split("/")):
            continue

        def check(case: Any) -> None:
            answer = case.call(headers=document.headers)
            case.validate_response(answer, checks=CONFORMS)
            assert answer.status_code in {400, 404, 415}, case.path
            assert "远方" not in answer.text

        document.drive(operation, GenerationMode.POSITIVE, known, check)
