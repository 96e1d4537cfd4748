"""What the example project keeps out of its log."""

import logging
import re

_QUERY = re.compile(r"\?[^\s\"]*")


class WithoutQuery(logging.Filter):
    """Cuts query strings off the request lines of the development server: codes travel in them."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                _QUERY.sub("?…", argument) if isinstance(argument, str) else argument
                for argument in record.args
            )
        return True
