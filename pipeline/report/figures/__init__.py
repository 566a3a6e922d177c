"""The report's pictures: one style, one clock."""
