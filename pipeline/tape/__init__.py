"""From a vendor's files, or a simulation, to canonical quotes and trades by symbol and day."""
