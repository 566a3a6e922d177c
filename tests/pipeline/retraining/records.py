"""Made-up nights: a month of one desk with a break, a challenger, a failure and a move by hand."""

from datetime import date, timedelta

import numpy as np

from pipeline.parameters.schema import Params
from pipeline.retraining.families import looks_of
from pipeline.retraining.gate import Judged, checks_of
from pipeline.retraining.nights import (
    Charged,
    Check,
    Estimate,
    Form,
    Move,
    Night,
    SymbolTold,
)

EMPTY = Params.model_construct(symbols={})  # of which nothing is inadmissible
FORMS = {"AAA": Form(law="spread_power"), "B&B<i>": Form(law="spread_power")}
FAILING, BREAK, BY_HAND = 12, 18, 21  # places of nights
LEFT_OUT = 7


def estimate(value: float, share: float) -> Estimate:
    return Estimate(value=value, low=value * (1 - share), high=value * (1 + share))


def told(place: int, rng: np.random.Generator) -> SymbolTold:
    level = 0.6 if place >= BREAK else 1.0
    return SymbolTold(
        days=20 + place if place < BREAK else place - BREAK + 2,
        walks=7800 * (20 + place),
        touched=int(rng.integers(0, 400)),
        shares=700.0,
        k=estimate(1.5 + 0.01 * rng.standard_normal(), 0.03),
        cost=estimate(level * (1.2 + 0.02 * rng.standard_normal()), 0.08),
        beta=estimate(0.4 + 0.02 * rng.standard_normal(), 0.2),
        gamma=estimate(3e-6 * (1 + 0.1 * rng.standard_normal()), 0.4),
    )


def charged(day: str, rng: np.random.Generator) -> Charged:
    base = 1.6 + 0.1 * rng.standard_normal()
    return Charged(
        date=day,
        twap=2.0,
        candidate=base + 0.01 * rng.standard_normal() - 0.002,
        champion=base,
        in_force=base,
        rivals={
            "hybrid": base + 0.03 * rng.standard_normal() + 0.01,
            "square_root": base + 0.02 * rng.standard_normal(),
        },
    )


def checks(place: int, nights: list[Night], today: Charged | None) -> tuple[Check, ...]:
    """Return the checks that are by the charged days as the gate makes them, and others made up."""
    found = {one.name: one for one in checks_of(EMPTY, Judged(None, None, nights, today))}
    rng = np.random.default_rng(place)
    values = {
        "break": (1.0 + 2 * rng.random(), 5.0),
        "drift": (0.1 * rng.random(), 0.25),
        "coverage": (0.88 + 0.02 * rng.standard_normal(), 0.75),
        "distance": (rng.random(), 1e-3),
    }
    for name, (value, threshold) in values.items():
        found[name] = Check(
            name=name, value=value, threshold=threshold, passes=True, words=f"{name} is as usual"
        )
    if place == FAILING:
        words = "AAA: the last day's level lies -0.51 from the days before <b>"
        found["break"] = Check(name="break", value=9.1, threshold=5.0, passes=False, words=words)
    return tuple(found.values())


def month(count: int = 24) -> list[Night]:
    """Return so many nights."""
    rng = np.random.default_rng(3)
    nights: list[Night] = []
    for place in range(count):
        day = date(2025, 1, 1) + timedelta(days=place)
        today = charged(str(day), rng) if place > 1 else None
        held, before = place == FAILING, nights[-1].in_force if nights else None
        if place == BY_HAND:
            before = "run-03"
        night = Night(
            date=str(day),
            session=str(day + timedelta(days=1)),
            since={"AAA": str(date(2025, 1, 1) + timedelta(days=BREAK - 1))}
            if place >= BREAK
            else {},
            made=f"{day}T22:00:00+00:00",
            inputs="x",
            run_id=f"run-{place:02d}",
            before=before,
            in_force=str(before) if held else f"run-{place:02d}",
            outcome="kept" if held else "promoted" if nights else "first",
            why="break: AAA lies apart <b>" if held else "not shown to be worse",
            forms=FORMS,
            checks=checks(place, nights, today),
            looks=looks_of(nights, today, FORMS),
            charged=today,
            symbols={name: told(place, rng) for name in FORMS},
            left_out={"CCC": "CCC: no quotes on 2025-01-08"} if place == LEFT_OUT else {},
        )
        nights.append(night)
    return nights


def by_hand() -> list[Move]:
    return [
        Move(
            made="2025-01-21T23:10:00+00:00",
            who="quant-on-call",
            was="run-20",
            in_force="run-03",
            why="spreads of a test feed",
        )
    ]
