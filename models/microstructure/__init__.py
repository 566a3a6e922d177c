"""Measurements of an order book: how it stands, what walking it costs, how it flows."""

from models.microstructure.book import Book
from models.microstructure.order_flow import order_flow_imbalance
from models.microstructure.standing import Segments, segments, standing_before
from models.microstructure.variance import realized_variance
from models.microstructure.walking import walk

__all__ = [
    "Book",
    "Segments",
    "order_flow_imbalance",
    "realized_variance",
    "segments",
    "standing_before",
    "walk",
]
