"""Files of a register's form: taken in, refused, served, taken off."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from app.access.divisions.regions import Level
from app.access.scope import unscoped
from app.core.files.storage import storage
from app.kernel.declare.flow import State
from app.kernel.rows.file import Attachment
from app.modules.surveys.lookback.model import Lookback
from tests import builders
from tests.hands import Hands
from tests.web.register.forms import posted

AsAccount = Callable[..., Hands]


def test_a_photo_goes_in_is_shown_and_served(clerk: Hands, survey: Lookback, photo: bytes):
    answer = clerk.upload(f"/lookback/{survey.id}/files/front_photos", photo, "房屋/正面.jpg")
    assert answer.status_code == 200
    assert answer.json["name"] == "正面.jpg"
    page = clerk.get(f"/lookback/{survey.id}/edit").text
    assert answer.json["thumb"] in page
    whole, small = clerk.get(answer.json["url"]), clerk.get(answer.json["thumb"])
    assert whole.mimetype == small.mimetype == "image/jpeg"
    assert whole.data.startswith(b"\xff\xd8")
    assert len(small.data) < len(whole.data)
    assert answer.json["same"] is None
    again = clerk.upload(f"/lookback/{survey.id}/files/risky_photos", photo).json
    assert again["same"]["url"] == answer.json["url"].partition("?")[0]


def test_files_are_served_only_within_the_area(
    app: Flask, as_account: AsAccount, clerk: Hands, survey: Lookback, photo: bytes
):
    url = clerk.upload(f"/lookback/{survey.id}/files/front_photos", photo).json["url"]
    with app.app_context():
        county = builders.region(builders.NEXT_COUNTY, Level.COUNTY)
    neighbour = as_account(builders.COUNTY_MANAGER, county)
    assert neighbour.get(url).status_code == 404
    assert neighbour.get(f"{url}/thumb").status_code == 404
    assert neighbour.get(f"/files/{uuid.uuid4()}").status_code == 404
    assert app.test_client().get(url).status_code == 302  # to the sign-in page


@pytest.mark.parametrize(
    ("field", "content", "message"),
    [
        ("front_photos", b"", "0字节"),
        ("front_photos", b"MZ not a photo", "不是照片"),
        ("front_photos", b"%PDF-1.4 x", "不是PDF"),
        ("judged_paper", b"<svg onload=alert(1)>", "内容两者都不是"),
    ],
)
def test_what_is_no_photo_is_refused_with_a_message(
    clerk: Hands, survey: Lookback, field: str, content: bytes, message: str
):
    answer = clerk.upload(f"/lookback/{survey.id}/files/{field}", content)
    assert answer.status_code == 400
    assert message in answer.json["error"]


def test_more_files_than_the_field_holds_are_refused(
    app: Flask, clerk: Hands, survey: Lookback, photo: bytes, monkeypatch: pytest.MonkeyPatch
):
    url = f"/lookback/{survey.id}/files/front_photos"
    assert [clerk.upload(url, photo).status_code for _ in range(3)] == [200, 200, 200]
    with monkeypatch.context() as patched:
        patched.setattr(
            "app.kernel.records.files.inspect_upload", lambda *_a: pytest.fail("looked at")
        )
        assert clerk.upload(url, photo).status_code == 400
    with app.app_context():
        kept = list(storage().root.glob("??/??/*.jpg"))
    assert len(kept) == 6  # each with a small picture; the bytes of the refused one did not stay


def test_only_upload_fields_of_editable_records_take_files(
    app: Flask, clerk: Hands, survey: Lookback, photo: bytes, monkeypatch: pytest.MonkeyPatch
):
    """None of these files is looked at: to judge one costs time and memory."""
    monkeypatch.setattr(
        "app.kernel.records.files.inspect_upload", lambda *_a: pytest.fail("looked at")
    )
    assert clerk.upload(f"/lookback/{survey.id}/files/died", photo).status_code == 404
    assert clerk.upload(f"/lookback/{survey.id}/files/nothing", photo).status_code == 404
    assert clerk.post(f"/lookback/{survey.id}/files/front_photos").status_code == 400
    with app.app_context():
        approved = builders.household(state=State.APPROVED)[1]
    answer = clerk.upload(f"/lookback/{approved.id}/files/front_photos", photo)
    assert answer.status_code == 409
    assert "审核通过" in answer.json["error"]


def test_taken_off_files_go_at_the_save_and_the_rest_keep_the_forms_order(
    app: Flask, clerk: Hands, survey: Lookback, photo: bytes
):
    url = f"/lookback/{survey.id}/files/front_photos"
    first, second, third = (clerk.upload(url, photo).json["id"] for _ in range(3))
    form = posted(builders.own_house(), removed_files=first, front_photos=[third, second])
    assert clerk.post(f"/lookback/{survey.id}/edit", form).status_code == 302
    with app.app_context(), unscoped("tests look at files") as session:
        kept = session.scalars(select(Attachment).order_by(Attachment.position)).all()
        assert [str(a.id) for a in kept] == [third, second]
        assert len(list(storage().root.glob("??/??/*.jpg"))) == 4  # each with a small picture
