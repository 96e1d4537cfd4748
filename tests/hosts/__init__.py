"""Small apps for host sites of other shapes."""
