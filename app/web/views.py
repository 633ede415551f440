"""The desk, FAB's index view."""

from __future__ import annotations

from typing import Any

from flask_appbuilder import IndexView, expose


class DeskView(IndexView):
    """我的桌面."""

    @expose("/")
    def index(self) -> Any:
        return self.render_template("anju/desk.html")
