"""What real orders cost: joined to the market, in parts, against prices and a model."""
