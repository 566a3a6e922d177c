"""Transaction-cost analysis: what an order cost, in parts that add up, and what followed it."""
