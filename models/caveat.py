"""What a fit has to say against itself."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Caveat:
    """A warning of an estimator: a code that programs can test for, and a message for people."""

    code: str
    message: str
