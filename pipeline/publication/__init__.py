"""Where a run's files become public: all of one run, by one rename."""
