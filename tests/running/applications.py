"""The program as an application in the tests' own process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.security import generate_password_hash

_QUICK = "pbkdf2:sha256:1"  # tests keep nothing that anybody could steal


def make_app(url: str, folder: Path, **settings: Any) -> Flask:
    from app import create_app
    from app.core.files.storage import storage

    overrides = {
        "TESTING": True,
        "SQLALCHEMY_DATABASE_URI": url,
        "STORAGE_DIR": str(folder),
        "SECRET_KEY": "only for tests",
        "CAPTCHA_ENABLED": False,
        "WTF_CSRF_ENABLED": True,
        "FAB_PASSWORD_HASH_METHOD": _QUICK,
        "AUTH_DB_FAKE_PASSWORD_HASH_CHECK": generate_password_hash("nobody's", _QUICK),
        "SERVER_NAME": None,
    }
    app = create_app(overrides | settings)
    with app.app_context():
        storage().prepare()
    return app


def dispose(app: Flask) -> None:
    from app.core.db import db

    with app.app_context():
        db.session.remove()
        db.engine.dispose()
