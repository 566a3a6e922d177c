"""The shell around the statistics: files, tables, MLflow and the command line."""
