"""What a fit has to say against itself."""

from dataclasses import dataclass

ONE_SIDED = 1.645  # the 5 % point of a normal: below it an estimate cannot be told from zero


@dataclass(frozen=True)
class Caveat:
    """A warning of an estimator: a code that programs can test for, and a message for people."""

    code: str
    message: str
