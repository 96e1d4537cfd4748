"""What the toolkit's own test modules import from beside them, and how they find our classes."""
