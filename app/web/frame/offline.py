"""What a phone needs to open a form without a line: the service worker and the page that it shows."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app
from flask_appbuilder import BaseView, expose


class OfflineView(BaseView):
    """Public: neither holds anything of anybody."""

    route_base = "/"
    default_view = "page"

    @expose("offline")
    def page(self) -> Any:
        """Shown where a page cannot be had."""
        return self.render_template("frame/offline.html")

    @expose("worker.js")
    def worker(self) -> Response:
        """From the root, for a worker governs only what lies below its own address."""
        response = current_app.send_static_file("offline/worker.js")
        response.headers["Cache-Control"] = "no-cache"
        return response
