"""The pages of the modules beside the look-back, at both widths: accessible, nothing cut off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests import builders
from tests.browser.conftest import OVERFLOW, Desk
from tests.modules import samples
from tests.running.servers import Server

PAGES = [
    "/", "/low_income/new", "/monitoring/{survey}", "/application/entry", "/dossier/{dossier}",
    "/dossier/statistics/desk", "/craftsman/new", "/craftsman/province", "/risk/ledger",
    "/work_report/", "/household/{home}",
]  # fmt: skip


def test_pages_of_every_module_are_accessible_and_fit(
    desk: Callable[..., Desk], server: Server, assert_accessible: Any
):
    with server.app.app_context():
        home, survey = samples.monitored()
        keys = {"home": home.id, "survey": survey.id, "dossier": samples.dossier().id}
    page = desk(builders.COUNTY_MANAGER).page
    for url in PAGES:
        page.goto(server.url + url.format(**keys))
        for width in (1366, 360):
            page.set_viewport_size({"width": width, "height": 768})
            assert page.evaluate(OVERFLOW) <= 0, f"{url} is wider than {width} px"
        assert_accessible(page)
