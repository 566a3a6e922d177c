"""Covariances robust to clusters, the bootstrap of blocks, and what a fit says against itself."""
