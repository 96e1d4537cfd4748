"""Host sites of other shapes than the example project; each is run by a process of its own."""
