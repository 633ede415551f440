"""What a process of the program has imported when it is forked: what making an application imports."""

from __future__ import annotations

import gc
from importlib import import_module

from app import create_app

for _name in ("gunicorn.app.wsgiapp", "gunicorn.workers.gthread"):
    import_module(_name)
# Nobody uses it, and it holds no connection.
create_app({"SQLALCHEMY_DATABASE_URI": "sqlite://", "SECRET_KEY": "of nobody"})
# As tools/gunicorn.py does, and for its reasons.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 50)
