"""Real Chromium against the running program: accounts that are signed in at a window of their own."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import expect
from sqlalchemy import delete

from app.access.divisions.regions import Region
from app.access.session import OpenSession
from app.core.db import db
from tests import builders
from tests.builders import Who
from tests.running.browser import enter
from tests.running.servers import Server

expect.set_options(timeout=10_000)  # as the windows below have
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
#: Things to touch that are lower than 44 px, but for links within a sentence or a table's cell.
SMALL = """() => [...document.querySelectorAll('a, button, select, summary, input:not([type=hidden])')]
  .filter((e) => e.offsetParent && !e.closest('p, td, dd, li.skip, label, .side, .scroll-x'))
  .filter((e) => { const box = e.getBoundingClientRect(); return box.width > 1 && box.height < 43.5; })
  .map((e) => `${e.tagName}.${e.className} ${e.textContent.trim().slice(0, 20)}`)"""


@dataclass
class Desk:
    """One person at one browser window."""

    page: Any
    server: Server
    login: str

    def open(self, url: str) -> Any:
        self.page.goto(self.server.url + url)
        return self.page

    def pick(self, field: str, text: str) -> None:
        """Click a button of a choice."""
        self.page.locator(f"#field-{field} label.pick", has_text=text).first.click()

    def choose(self, field: str, text: str) -> None:
        """A choice, as buttons or as a list."""
        if self.page.locator(f"select#f-{field}").count():
            self.page.fill(f"#f-{field}-text", text)
            self.page.locator(f"#f-{field}-list").get_by_role(
                "option", name=text, exact=True
            ).click()
        else:
            self.pick(field, text)


@pytest.fixture
def desk(browser: Any, server: Server) -> Iterator[Callable[..., Desk]]:
    """``desk(builders.TOWN_CLERK, width=360)``: a signed-in window; scripts must not complain."""
    contexts, complaints = [], []

    def sit_down(
        who: Who,
        width: int = 1366,
        height: int = 768,
        theme: str = "light",
        place: Region | None = None,
    ) -> Desk:
        with server.app.app_context():
            account = builders.account(who, place)
        context = browser.new_context(locale="zh-CN", viewport={"width": width, "height": height})
        context.add_cookies([{"name": "theme", "value": theme, "url": server.url}])
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: complaints.append(m.text) if _complains(m) else None)
        enter(context, server, account)
        return Desk(page, server, account.username)

    yield sit_down
    for context in contexts:
        context.close()
    assert not complaints, "the browser's console says:\n" + "\n".join(complaints)


def _complains(message: Any) -> bool:
    return message.type == "error" and "Failed to load resource" not in message.text


def arrived(page: Any, selector: str) -> None:
    """Wait for the page that was clicked for, known by what only it has, until its scripts ran: of one that is
    still coming the beginning is there, and what scripts do when something is touched is not done yet.
    """
    page.wait_for_selector(selector)
    page.wait_for_load_state("load")


def sign_in_again(page: Any) -> None:
    """At the layer that a page opens whose session has ended."""
    layer = page.locator("#signin-dialog[open]")
    layer.locator("[name=password]").fill(builders.PASSWORD)
    layer.get_by_role("button", name="登录并继续").click()
    layer.wait_for(state="detached")


def sign_in(desk: Desk) -> None:
    """Through the page, as people do it."""
    desk.open("/login/")
    desk.page.fill("#username", desk.login)
    desk.page.fill("#password", builders.PASSWORD)
    desk.page.click("form button[type=submit]")
    desk.page.wait_for_selector(".framed")


def end_sessions(server: Server) -> None:
    """As if the account's owner had ended them elsewhere, or they had been idle for too long."""
    with server.app.app_context():
        db.session.execute(delete(OpenSession))
        db.session.commit()


@pytest.fixture(scope="session")
def photo_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real photo on the clerk's disk."""
    path = tmp_path_factory.mktemp("photos") / "正面.jpg"
    out = io.BytesIO()
    Image.effect_noise((800, 600), 50).convert("RGB").save(out, "JPEG")
    path.write_bytes(out.getvalue())
    return path
