"""Two runs beside each other: what changed, and whether it matters."""
