"""One file a vendor's format, and the rules that all of them pass."""
