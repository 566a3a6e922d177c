"""The codes of what checks of a tape find, and which of them refuse a plan."""

REFUSING = {  # a run that finds one plans nothing, unless told to accept it
    "two_scales": "prices in two scales: within a day, or a day against its neighbours",
    "two_size_scales": "sizes in two scales: within a day, or a day against its neighbours",
    "implausible_rows": "too many of a day's rows are beyond what the day supports",
    "sides_flipped": "trade sides are the other way round by the quote rule",
    "quotes_not_consolidated": "too many trades lie outside the quotes that stood before them",
    "crossed_quotes": "too many of a day's quotes are crossed or locked",
    "sigma_unbelievable": "mids vary beyond the day's price, or beyond the range of its trades",
    "spread_unbelievable": "the spread is wider than the range of the day's trades",
    "forecast_unbelievable": "forecasts of the session planned are far from the history's mean",
}
TELLING = {  # said with day and time; the rows of the first four are left out
    "implausible_price": "rows left out: a best price beyond what the day supports",
    "implausible_size": "rows left out: a size beyond what the day supports",
    "implausible_depth": "rows left out: books whose sizes are in another scale than the day's",
    "far_level": "deeper levels taken as not displayed: at prices beyond what the day supports",
    "frozen_quote": "rows left out: the book does not change while it should",
    "tape_gap": "no rows while there should be many",
    "quotes_missing": "more trades outside the quotes before them than on the days beside",
    "day_unlike_others": "a measure of the day is far from its neighbours'",
}
