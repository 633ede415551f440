"""Image captcha: signed, usable once, the same for all workers (nothing is kept until it is used).

A token is a random word with the time and a signature; its answer follows from the word and the
secret key, so any worker can draw it and check it. That it was used is counted in the database.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import io
import math
import random
import secrets
import unicodedata
from typing import Any

from flask import Response, current_app, url_for
from flask_appbuilder import BaseView, expose
from itsdangerous import BadData, SignatureExpired, TimestampSigner
from PIL import Image, ImageDraw, ImageFont

from app.access import limits
from app.access.limits import Limit
from app.core.errors import NotFound
from app.core.i18n import _
from app.core.transactions import transaction

LIFETIME = dt.timedelta(minutes=10)
_SECONDS = int(LIFETIME.total_seconds())
_LETTERS = "ADEFHJKMNPRTUVWXY34679"  # none that are mistaken for each other
_LENGTH = 4
#: Drawn larger than shown: sharp when enlarged.
_WIDTH, _HEIGHT = 320, 120


def issue() -> dict[str, str] | None:
    """A new captcha for a form: its token and the address of its picture; None where it is off."""
    if not current_app.config["CAPTCHA_ENABLED"]:
        return None
    token = _signer().sign(secrets.token_hex(12)).decode()
    return {"token": token, "image_url": url_for("CaptchaView.image", token=token)}


def problem(token: str, typed: str) -> str | None:
    """What is wrong with the answer, or None; either way the captcha is used up."""
    if not current_app.config["CAPTCHA_ENABLED"]:
        return None
    try:
        word = _signer().unsign(token, max_age=_SECONDS).decode()
    except SignatureExpired:
        return _("验证码已过期，请按新的图片输入。")
    except BadData:
        return _("请按图片输入验证码。")
    with transaction():
        first = limits.take(Limit("captcha", word, 1, 2 * LIFETIME)) is not None
    if not first:
        return _("验证码只能用一次，请按新的图片输入。")
    if not hmac.compare_digest(_plain(typed).encode(), _answer(word).encode()):
        return _("验证码不正确，请按新的图片输入。")
    return None


def answer(token: str) -> str:
    """What the picture shows.

    :raises BadData: not a token of ours, or too old.
    """
    return _answer(_signer().unsign(token, max_age=_SECONDS).decode())


class CaptchaView(BaseView):
    """The pictures."""

    route_base = "/captcha"
    default_view = "image"

    @expose("/<string:token>.png")
    def image(self, token: str) -> Any:
        try:
            text = answer(token)
        except BadData:
            raise NotFound(_("验证码已过期，请换一张。")) from None
        return Response(_draw(text, token), mimetype="image/png")


def _signer() -> TimestampSigner:
    return TimestampSigner(current_app.config["SECRET_KEY"], salt="captcha")


def _answer(word: str) -> str:
    key = current_app.config["SECRET_KEY"].encode()
    made = int.from_bytes(hmac.digest(key, f"captcha {word}".encode(), hashlib.sha256))
    letters = []
    for _nth in range(_LENGTH):
        made, place = divmod(made, len(_LETTERS))
        letters.append(_LETTERS[place])
    return "".join(letters)


def _plain(typed: str) -> str:
    """Without blanks, in capitals, full-width letters made plain."""
    return "".join(unicodedata.normalize("NFKC", typed).split()).upper()[:20]


def _draw(text: str, seed: str) -> bytes:
    """Letters turned and shifted one by one, bent together, crossed by lines. The same picture for
    the same token: asking again gives a machine no second look.
    """
    chance = random.Random(seed)  # noqa: S311 (a picture, no secret)
    paper = Image.new("L", (_WIDTH, _HEIGHT), 255)
    step = _WIDTH / (len(text) + 0.6)
    for place, letter in enumerate(text):
        font = ImageFont.load_default(chance.randint(66, 82))
        sign = Image.new("L", (110, 110), 0)
        ImageDraw.Draw(sign).text((55, 55), letter, 255, font, anchor="mm", stroke_width=1)
        sign = sign.rotate(chance.uniform(-24, 24), Image.Resampling.BICUBIC)
        x = int(step * (place + 0.3) + chance.uniform(-6, 6)) - 14
        paper.paste(25, (x, 5 + chance.randint(-10, 10)), sign)
    paper = _bent(paper, chance)
    pen = ImageDraw.Draw(paper)
    for _nth in range(4):
        ends = [(0, chance.randint(10, _HEIGHT - 10)), (_WIDTH, chance.randint(10, _HEIGHT - 10))]
        pen.line(ends, fill=chance.randint(60, 130), width=chance.randint(2, 4))
    for _nth in range(160):
        x, y = chance.randrange(_WIDTH), chance.randrange(_HEIGHT)
        pen.ellipse((x, y, x + 3, y + 3), fill=chance.choice((90, 160, 255)))
    out = io.BytesIO()
    paper.save(out, "PNG", optimize=False)
    return out.getvalue()


def _bent(paper: Image.Image, chance: random.Random) -> Image.Image:
    """The picture with its columns moved up and down along a wave."""
    bent = Image.new("L", paper.size, 255)
    phase, waves = chance.uniform(0, 6.3), chance.uniform(1.2, 2.0)
    for x in range(paper.width):
        shift = int(9 * math.sin(phase + waves * 6.3 * x / paper.width))
        bent.paste(paper.crop((x, 0, x + 1, paper.height)), (x, shift))
    return bent
