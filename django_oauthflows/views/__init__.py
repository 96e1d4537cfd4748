"""What answers a request: one file per endpoint or page."""
