"""What a run has read of a symbol: which days, and the fingerprint of their content."""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class DataRead:
    """fingerprint: of all that the estimates come from; first, last: days, as 2025-01-31."""

    fingerprint: str
    first: str
    last: str
    days: int

    @property
    def window(self) -> str:
        """Return the days as text: 2025-01-06..2025-01-31, or the only one."""
        return self.first if self.first == self.last else f"{self.first}..{self.last}"


def made_at() -> str:
    """Return when a result is made as runs' names say it, UTC."""
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M}"
