"""What happens at the authorization server, beside its endpoints."""
