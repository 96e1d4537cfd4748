"""Writes the parts of README and documentation that are made from the code."""
