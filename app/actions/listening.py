"""What of the kernel listens to hooks and sessions. Modules listen where they lie, and are imported with
their packages.
"""

from app.actions import continuing, moves, renewals, splits
from app.registry import writing

__all__ = ["continuing", "moves", "renewals", "splits", "writing"]
