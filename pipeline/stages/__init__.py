"""One file a stage, each a function of tables: features to a planned order."""
