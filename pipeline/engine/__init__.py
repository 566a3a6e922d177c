"""What every stage runs on: configuration, sessions, store, executor, tables that cross."""
