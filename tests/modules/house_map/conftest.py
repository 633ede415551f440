"""A look at stored rows, as in the tests of pages."""

from tests.web.conftest import stored

__all__ = ["stored"]
