"""The heart: what makes each flow itself, one file each, all of one shape.

Everything else (validator, model checks, forms, metadata, pages, documentation) reads these
declarations. Start with ``base.Flow``, then read ``authorization_code``.
"""
