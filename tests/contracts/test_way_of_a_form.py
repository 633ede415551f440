"""How many modules a saved form passes: few enough that a new hand can follow it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest
from flask import Flask

from tests import builders
from tests.hands import Hands
from tests.web.register.forms import posted

#: Modules whose functions may be entered between the request and the answer.
MOST = 24
#: The rooms above what all stand on: core, and what every request asks of access.
ROOMS = ("app.kernel.", "app.modules.", "app.web.", "app.admin.")
#: What stands around every request is no part of the form's own way.
FRAME = (
    "app.web.frame.",
    "app.modules.house_map.parcels.maps",
    "app.admin.accounts.pages.security",
    "app.kernel.declare.choice_lists",  # whether another process changed one
)
#: One class a kind of field, all alike: whoever knows one follows them all.
KINDS = "app.kernel.kinds"


@contextmanager
def entered() -> Iterator[list[str]]:
    """The modules of the rooms whose functions are called meanwhile, in their order."""
    found: dict[str, None] = {}

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        name = frame.f_globals.get("__name__", "")
        generated = frame.f_code.co_filename == "<string>"  # __init__ of a dataclass
        if event == "call" and name.startswith(ROOMS) and not (generated or name.startswith(FRAME)):
            found[KINDS if name.startswith(f"{KINDS}.") else name] = None

    names: list[str] = []
    sys.setprofile(note)
    try:
        yield names
    finally:
        sys.setprofile(None)
        names += found


@pytest.mark.one_database
def test_a_saved_form_passes_few_modules(app: Flask, as_account: Callable[..., Hands]) -> None:
    with app.app_context():
        before, survey = builders.household()[1], builders.household()[1]
    clerk = as_account(builders.TOWN_CLERK)
    data = posted(builders.own_house()) | {"csrf_token": clerk.token()}
    first, address = (f"/lookback/{row.id}/edit" for row in (before, survey))
    assert clerk.client.get(first).status_code == 200
    assert clerk.client.post(first, data=data).status_code == 302  # what a process keeps is at hand
    with entered() as names:
        answer = clerk.client.post(address, data=data)
    assert answer.status_code == 302, answer.get_data(as_text=True)
    assert "app.web.register.form" in names
    assert len(names) <= MOST, "\n".join(names)
