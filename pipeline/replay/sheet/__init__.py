"""The sheet of a replay: its orders, fills and moments as tables, as JSON and as a page."""
