"""The page that people read, its tables and figures, and the run as a record."""
