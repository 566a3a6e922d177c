"""Names of content: the same bytes, the same name."""

import hashlib
import json

from pipeline.engine.places import open_file, reading


def digest(*parts: str) -> str:
    """Return the SHA-256 of the parts, order and boundaries included, as 64 hex digits."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def file_digest(url: str) -> str:
    """Return the SHA-256 of one file's bytes, read in blocks.

    Raises: InputError when it cannot be read.
    """
    with open_file(url, "--data") as file, reading(url, "cannot be read", "check --data"):
        return hashlib.file_digest(file, "sha256").hexdigest()
