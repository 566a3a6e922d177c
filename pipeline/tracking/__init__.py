"""Where runs are tracked: neutral records, and MLflow behind them."""
