"""Anju. :func:`create_app` is the only place that wires the layers together."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from flask import Flask
from flask.templating import Environment
from flask_migrate import Migrate
from jinja2 import FileSystemBytecodeCache, FileSystemLoader
from werkzeug.middleware.proxy_fix import ProxyFix

import config
from app.web.frame.rendering import DictFirst
from app.web.frame.requests import BoundedRequest


class Anju(Flask):
    """Flask with our way of reading contexts."""

    jinja_environment = DictFirst
    request_class = BoundedRequest

    @cached_property
    def jinja_loader(self) -> FileSystemLoader:
        """The templates of all pages, then those that a room keeps beside its views."""
        app = Path(self.root_path)
        return FileSystemLoader([app / "web/templates", *sorted(app.glob("*/*/templates"))])

    def create_jinja_environment(self) -> Environment:
        """Templates are compiled by each process, a second's work, unless there is a folder for that."""
        made = super().create_jinja_environment()
        if folder := self.config["TEMPLATE_CACHE"]:
            made.bytecode_cache = FileSystemBytecodeCache(folder)
        return made


def create_app(overrides: dict[str, Any] | None = None) -> Flask:
    """The application; ``overrides`` replace settings of config.py (tests, tools)."""
    app = Anju(__name__, static_folder="web/static")
    app.config.update(config.load())
    app.config.update(overrides or {})
    if app.config["PROXIES"]:
        hops = app.config["PROXIES"]
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]

    from app import models, pages  # noqa: F401  (every table, before anything maps)
    from app.access import policy
    from app.admin.accounts.pages.security import AccountSecurityManager
    from app.core.db import db
    from app.core.errors import AnjuError
    from app.core.files.storage import init_storage
    from app.core.jobs.table import init_jobs
    from app.kernel import listening  # noqa: F401  (the kernel's)
    from app.web.crud.builder import Builder
    from app.web.frame import addresses, callers, clicks, errors, requests, shell
    from app.web.reports.desk import DeskView

    db.init_app(app)
    Migrate(app, db, directory="migrations", render_as_batch=True, compare_type=True)
    init_storage(app)
    init_jobs(app, policy.as_account)
    app.url_map.converters["int"] = addresses.Whole
    requests.protect(app)
    app.register_error_handler(AnjuError, errors.render)
    errors.install(app)
    clicks.install(app)
    with app.app_context():
        builder = Builder(
            app,
            db.session,
            security_manager_class=AccountSecurityManager,
            indexview=DeskView,
            base_template="appbuilder/base.html",
        )
        pages.register(app, builder)
    callers.install(app)
    requests.install(app)
    shell.install(app)
    _add_commands(app)
    return app


def _add_commands(app: Flask) -> None:
    from app.commands import commands

    for command in commands:
        app.cli.add_command(command)
