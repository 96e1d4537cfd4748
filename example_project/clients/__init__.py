"""One small client per use case: pages in the demo, and programs that run in a terminal."""

import os

# Before anything else is imported: the programs read the demo's declarations, as its pages do, and some of those
# ask for the settings at once.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings")
