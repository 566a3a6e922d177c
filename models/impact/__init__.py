"""What trading does to prices: by the book, by the flow and by parent orders."""
