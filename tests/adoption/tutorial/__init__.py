"""The site of the toolkit's tutorial: its views and its routes, before the switch, after it, and back."""
