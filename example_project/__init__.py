"""A real host site: people keep notes here, and other applications may use them with permission."""
