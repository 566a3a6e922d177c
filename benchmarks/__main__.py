"""Run every benchmark: python -m benchmarks [--quick] [--output FILE]."""

from benchmarks.allocation import main

main()
