"""Many real orders: what each cost by part, against which price, and what groups of them say."""
