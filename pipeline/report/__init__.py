"""The report room: a finished run as one page, its tables and figures, published as files."""
