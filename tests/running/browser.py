"""Chromium, its pages, and whether everybody can read them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app.access.account import Account
from tests import builders
from tests.running.programs import ROOT
from tests.running.servers import Server

_QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium: the system's, else the one that Playwright installed."""
    from playwright.sync_api import sync_playwright

    found = next(filter(None, map(shutil.which, _BROWSERS)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, headless=True, args=_QUIET)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page of its own context; what the console calls an error fails the test at its end."""
    context = browser.new_context(locale="zh-CN", viewport={"width": 1366, "height": 768})
    page = context.new_page()
    page.set_default_timeout(10_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if _is_error(message) else None)
    yield page
    context.close()
    assert not errors, "the browser's console says:\n" + "\n".join(errors)


def enter(context: Any, server: Server, account: Account) -> None:
    """Sign an account in at the windows of a context without the page for it, which has tests of its own."""
    name = server.app.config["SESSION_COOKIE_NAME"]
    cookie = builders.sign_in(server.app, account).get_cookie(name)
    assert cookie is not None
    context.add_cookies([{"name": name, "value": cookie.value, "url": server.url}])


def _is_error(message: Any) -> bool:
    # A test that provokes a 4xx means it; scripts and the content policy must never complain.
    return message.type == "error" and "Failed to load resource" not in message.text


#: Only what is wrong comes back: to carry all that axe found costs as much as to find it.
_JUDGE = """async (asked) => (await axe.run(document, asked)).violations.map(
  ({ id, impact, help, nodes }) => ({ id, impact, help, nodes: nodes.slice(0, 5).map((n) => n.html) }))"""


@pytest.fixture(scope="session")
def assert_accessible() -> Callable[..., None]:
    """``assert_accessible(page)``: no axe-core violation on what the page shows now; with names of
    rules of these alone.
    """
    source = (ROOT / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")

    def check(page: Any, *rules: str) -> None:
        page.wait_for_load_state("load")  # half a page is soon without fault
        if not page.evaluate("'axe' in window"):
            page.evaluate(source)
        asked: dict[str, Any] = {"resultTypes": ["violations"]} | (
            {"runOnly": rules} if rules else {}
        )
        found = page.evaluate(_JUDGE, asked)
        lines = [
            f"{rule['id']} ({rule['impact']}): {rule['help']}\n    "
            + "\n    ".join(html[:200] for html in rule["nodes"])
            for rule in found
        ]
        assert not lines, f"{page.url}:\n" + "\n".join(lines)

    return check
