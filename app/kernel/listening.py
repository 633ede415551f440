"""What of the kernel listens to hooks and sessions. Modules listen where they lie, and are imported with
their packages.
"""

from app.kernel.beyond import same_key
from app.kernel.figures import thresholds, writing
from app.kernel.figures.comparing import proving, settling
from app.kernel.households import moves, splits
from app.kernel.records import continuing, references, renewals

__all__ = [
    "continuing",
    "moves",
    "proving",
    "references",
    "renewals",
    "same_key",
    "settling",
    "splits",
    "thresholds",
    "writing",
]
