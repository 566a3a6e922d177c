"""What is to be said of a sheet: what was not known, and what stands in for it."""

import numpy as np

from models.inference.caveat import Caveat
from pipeline.tca.sheet import Sheet

STALE = 60.0  # seconds that an arrival quote may have stood


def sheet_caveats(sheet: Sheet) -> list[Caveat]:
    """Return the caveats of a sheet, each with how many orders or fills it is about."""
    orders, fills = sheet.orders, sheet.fills
    filled = orders["filled"] > 0
    later = orders["told_later"].fillna(False).astype(bool)
    counts = {
        "no_decision": (int((orders["decision_from"] == "none").sum()), NO_DECISION),
        "unsplit": (int(fills["best"].isna().sum()), UNSPLIT),
        "no_own_impact": (int((sheet.told.table["gamma"].isna() & filled).sum()), NO_OWN),
        "stale_arrival": (int((orders["arrival_quote_age"] > STALE).sum()), STALE_ARRIVAL),
        "arrival_at_open": (int((orders["arrival_quote_age"] < 0).sum()), AT_OPEN),
        "own_day": (int(orders["adv_from"].str.contains("own day").sum()), OWN_DAY),
        "told_later": (int((later & orders["told_bps"].notna()).sum()), TOLD_LATER),
        "not_told": (
            int((orders["told_bps"].isna() & filled).sum()) if sheet.told.files else 0,
            NOT_TOLD,
        ),
        "filled_after_end": (sheet.rows.noted.get("fill_after_end", 0), AFTER_END),
    }
    found = [Caveat(code, text.format(count)) for code, (count, text) in counts.items() if count]
    if not (orders["currency"] != "").any() and orders["symbol"].nunique() > 1:
        found.append(Caveat("no_currency", NO_CURRENCY))
    days = orders["date"].nunique()
    if days < 2:
        found.append(Caveat("one_day", "all orders are of one day: no figure has an error"))
    elif days < 10:
        found.append(Caveat("few_days", f"errors are by {days} days: few to tell a scale from"))
    if not np.isfinite(orders["participation"]).any():
        found.append(Caveat("no_market", "no tape or bars: prices are those the files give"))
    return found


NO_DECISION = "{:,} orders have no decision time or price: their delay counts as none"
UNSPLIT = (
    "{:,} fills have no bid and ask: what they cost over the mid, or over arrival, is not split"
)
NO_OWN = "of {:,} orders no parameters tell the own impact: it is in the drift; give --params"
STALE_ARRIVAL = "{:,} orders arrived at a quote that had stood for over a minute"
AT_OPEN = "{:,} orders arrived before any quote: they are held against the first one behind"
OWN_DAY = "of {:,} orders ADV and volatility are of their own day: none before it is known"
TOLD_LATER = "{:,} orders were told a cost by parameters made of later data: no forecast"
NOT_TOLD = "{:,} orders are of symbols or hours that no parameter file knows: nothing was told"
AFTER_END = "{:,} orders were filled after their stated end: they end with their last fill"
NO_CURRENCY = "no currency is stated: amounts of all symbols are summed as if they were of one"
