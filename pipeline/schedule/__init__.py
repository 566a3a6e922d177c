"""Nights as an orchestrator runs them."""
