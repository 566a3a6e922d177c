"""What the conditions of consolidated trades and quotes say, a letter each."""

import polars as pl

# Sale conditions of the CTA and UTP plans, a letter each, by rule.
TRADE_RULES = {
    "cross_print": "O56X",  # opening, reopening, closing print, cross or periodic auction
    "official_price": "QM9",  # official open, official close, corrected close
    "special_terms": "CNR",  # cash, next day, seller's option
    "late_print": "LZGU",  # sold last, out of sequence, bunched sold, the same outside hours
    "extended_hours": "T",
    # acquisition, average or bunched, distribution, price variation, rules 127 and 155, prior
    # reference price, split, contingent, average, stopped (1, 2, 3), derivatively priced, qualified
    # contingent
    "priced_elsewhere": "ABDHJKPSVW12347",
}
# regular, automatic, intermarket sweep, odd lot, yellow flag, trade-through exempt
BOOK_TRADE = "@EFIY8 "
HALT = "DPM"  # news out, news pending, volatility pause: the stock halts in all markets
# Slow, closing, range indication, imbalance, related security, market maker closed, non-firm,
# resume without a quote, in view of common, equipment, no open and no resume: of one venue.
NOT_FIRM = "ABCEFGHIJKLNQSTUVWXZ"


def has(letters: str) -> pl.Expr:
    """Return whether a row's condition holds one of the letters."""
    return pl.col("condition").str.contains(f"[{letters}]").fill_null(False)
