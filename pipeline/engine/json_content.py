"""Values as JSON takes them."""

import math
from typing import Any


def json_ready(value: Any) -> Any:
    """Return a value with Python's own numbers, lists for tuples, null for what is not finite."""
    if isinstance(value, dict):
        return {key: json_ready(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [json_ready(each) for each in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
