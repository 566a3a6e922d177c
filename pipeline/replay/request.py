"""What can be asked of an order at work: the policies, how often they look, the band."""

from dataclasses import dataclass

from pipeline.engine.config import AllocateConfig
from pipeline.engine.errors import InputError
from pipeline.replay.policies import parse_policy

SIGN = {"buy": 1, "sell": -1}


@dataclass(frozen=True)
class ReplayRequest:
    """An order to be replayed, and how: policies by name, interval and latency in seconds.

    band: share of the order; phases: how often it is replayed, its moments put off by a random part
    of the interval (the first time by none), all policies alike. half_life: seconds in which half
    of what was taken comes back, the file's where None.
    """

    params: str
    symbol: str
    order: AllocateConfig
    policies: tuple[str, ...]
    interval: float = 10.0
    latency: float = 0.1
    band: float = 0.1
    phases: int = 1
    seed: int = 0
    half_life: float | None = None
    out: str = "out"

    @property
    def sign(self) -> int:
        """Return +1 for a buy, -1 for a sell."""
        return SIGN[self.order.side]


def check_request(request: ReplayRequest) -> None:
    """Raise InputError for an option that cannot be."""
    rules = {
        "--interval": (request.interval > 0, "above 0"),
        "--latency": (0 <= request.latency < request.interval, "0 or more, and below --interval"),
        "--band": (0 <= request.band <= 1, "a share of the order, 0 to 1"),
        "--phases": (request.phases >= 1, "at least 1"),
        "--half-life": (request.half_life is None or request.half_life > 0, "above 0"),
    }
    for name, (holds, rule) in rules.items():
        if not holds:
            value = getattr(request, name[2:].replace("-", "_"))
            raise InputError(f"{name} {value}: must be {rule}")
    for name in request.policies:
        parse_policy(name)
    if len(set(request.policies)) < len(request.policies):
        raise InputError(f"--policy {','.join(request.policies)}: names one twice")
