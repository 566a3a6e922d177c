"""The statistics: arrays in, frozen results out; no paths, no clock, no global random state."""
