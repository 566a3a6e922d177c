"""The order route from files of parent orders, or a panel of imbalances, to a report."""
