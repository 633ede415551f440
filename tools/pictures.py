"""The pictures of the README, taken from a running demonstration that asks for no captcha
(``CAPTCHA_ENABLED=0 make run``): ``make pictures``.

python tools/pictures.py http://127.0.0.1:8080
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pictures"
COUNTY, PROVINCE, PASSWORD = "61102100000000", "61000000000000", "Anju2024demo"
LAPTOP, PHONE = (1366, 768), (360, 740)
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


def main(address: str) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    found = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        chinese: dict[str, str | float | bool] = {
            **os.environ,
            "LANGUAGE": "zh_CN",
        }  # how date fields read
        browser = playwright.chromium.launch(executable_path=found, args=QUIET, env=chinese)
        county = signed_in(browser, address, COUNTY)
        take(county, f"{address}/lookback/query?page=40", "list")
        county.goto(f"{address}/lookback/entry?state=draft")
        county.locator("tbody a", has_text="档案填报").nth(9).click()
        take(county, county.url, "form")
        phone = signed_in(browser, address, COUNTY, PHONE)
        phone.goto(county.url)
        phone.locator("#section-s4").scroll_into_view_if_needed()
        shoot(phone, "phone")
        county.goto(f"{address}/lookback/review")
        while not county.locator(".change-list").count():  # one that came back and was mended
            county.locator("a[rel=next]").click()
            county.wait_for_load_state()
        shoot(county, "review")
        take(county, f"{address}/dossier/review", "dossier")
        county.goto(f"{address}/dossier/query?state=approved")
        county.locator("a.row-link").first.click()
        county.get_by_role("link", name="农户主页").click()
        shoot(county, "household")
        take(county, f"{address}/accounts", "users")
        take(county, f"{address}/divisions/", "divisions")
        province = signed_in(browser, address, PROVINCE)
        take(province, f"{address}/", "desk")
        take(province, f"{address}/lookback/statistics/progress", "statistics")
        browser.close()


def signed_in(browser: Any, address: str, login: str, size: tuple[int, int] = LAPTOP) -> Any:
    screen = {"width": size[0], "height": size[1]}
    page = browser.new_context(locale="zh-CN", viewport=screen).new_page()
    page.goto(f"{address}/login/")
    page.fill("input[name=username]", login)
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "/login" not in url)
    return page


def take(page: Any, url: str, name: str) -> None:
    page.goto(url)
    shoot(page, name)


def shoot(page: Any, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=FOLDER / f"{name}.png")
    print(f"docs/pictures/{name}.png")


if __name__ == "__main__":
    main(sys.argv[1] if sys.argv[1:] else "http://127.0.0.1:8080")
