"""The optional kernels that numba compiles, imported by `solver.backend` on first use."""
