"""What happens to a request at the authorization server (RFC 6749 §1.1), and to what it has given out."""
