"""What a process of the program has imported when it is forked: what making an application imports."""

from gunicorn.app import wsgiapp  # noqa: F401
from gunicorn.workers import gthread  # noqa: F401

from app import create_app

# Nobody uses it, and it holds no connection.
create_app({"SQLALCHEMY_DATABASE_URI": "sqlite://", "SECRET_KEY": "only for tests"})
