"""How Dagster is told a refusal, and what it tries again."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from pipeline.engine.errors import InputError, StoreUnreachable

AGAIN = dg.RetryPolicy(max_retries=3, delay=600)  # seconds, of a store that does not answer


@contextmanager
def told() -> Iterator[None]:
    """Say a refusal in its one line; only a store that does not answer is worth another try."""
    try:
        yield
    except InputError as error:
        raise dg.Failure(str(error), allow_retries=isinstance(error, StoreUnreachable)) from error
