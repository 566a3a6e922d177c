"""What was planted in a simulated tape, read from beside it."""

import json
from pathlib import Path

from pipeline.tape.opening import RawTape
from pipeline.tape.simulate import TRUTH

PARAMETERS = ("k", "beta", "gamma")


def planted(raw: RawTape) -> dict[str, dict[str, float]]:
    """Return the planted parameters by symbol; none beside a tape that was not simulated."""
    beside = Path(raw.files[0].url).parent / TRUTH
    if not beside.is_file():
        return {}
    symbols = json.loads(beside.read_text(encoding="utf-8"))["symbols"]
    return {
        symbol: {name: float(one[name]) for name in PARAMETERS if name in one}
        for symbol, one in symbols.items()
    }
