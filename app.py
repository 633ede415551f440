"""The application for tools that look for ``app.py``: ``python app.py`` serves it for development.

``import app`` finds the package ``app/``, so servers are given the factory: ``gunicorn "app:create_app()"``.
"""

from app import create_app

if __name__ == "__main__":
    application = create_app()
    application.run(
        host=application.config["HOST"], port=application.config["PORT"], threaded=True, debug=False
    )
