"""Names of content: the same bytes, the same name."""

import hashlib
import json

import fsspec


def digest(*parts: str) -> str:
    """Return the SHA-256 of the parts, order and boundaries included, as 64 hex digits."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def file_digest(url: str) -> str:
    """Return the SHA-256 of one file's bytes, read in blocks."""
    with fsspec.open(url, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
