"""What each flow is: a declaration, one file each, all of one shape.

Everything else (authorization server, model checks, forms, metadata, pages, documentation) reads these
declarations. Start with ``base.Flow``, then read ``authorization_code``. ``registry`` lists them.
"""
