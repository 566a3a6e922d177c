"""An order stated from the parameter file, planned by every route, and told in words."""
