"""How fast, how many statements, how it grows: us, stock django-oauth-toolkit and a floor, side by side.

``python -m tests.benchmarks speed`` starts its own PostgreSQL and gunicorn servers on 127.0.0.1,
measures in alternating rounds, and prints one table. ``growth``, ``pages`` and ``purge`` do the same for large
tables; ``trace`` prints the functions that one request of each kind runs through. What is asserted is the
number of statements (``tests/test_statement_budgets.py``) and of files (``tests/test_request_trace.py``),
never a time.
"""
