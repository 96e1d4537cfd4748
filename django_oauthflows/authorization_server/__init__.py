"""What happens to a request, in the order in which it happens (RFC 6749 §1.1: the authorization server)."""
