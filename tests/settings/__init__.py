"""Settings for tests: the example project, and hosts of other shapes."""
