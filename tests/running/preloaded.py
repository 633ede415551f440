"""What a process of the program has imported when it is forked: what making an application imports."""

from importlib import import_module

from app import create_app
from tests.running.applications import rare_garbage

for _name in ("gunicorn.app.wsgiapp", "gunicorn.workers.gthread"):
    import_module(_name)
# Nobody uses it, and it holds no connection.
create_app({"SQLALCHEMY_DATABASE_URI": "sqlite://", "SECRET_KEY": "only for tests"})
rare_garbage()
