"""Every case, in the order of the table."""

from . import settings, users

CASES = [*users.CASES, *settings.CASES]
