"""Who works on which record, as in the tests of the kernel."""

from tests.kernel.conftest import clerk, reviewer, survey

__all__ = ["clerk", "reviewer", "survey"]
