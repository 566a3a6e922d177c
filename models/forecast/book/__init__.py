"""Forecasts of the next seconds from the state of the book."""

from models.forecast.book.mid_move import BookMoves, MidMoveFit, book_moves, fit_mid_move

__all__ = ["BookMoves", "MidMoveFit", "book_moves", "fit_mid_move"]
