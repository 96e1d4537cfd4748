"""The API side, with or without Django REST framework: who calls, what they may, and what a refusal says."""
