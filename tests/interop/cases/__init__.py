"""Every case, in the order of the table."""

from . import conflicts, settings, tokens, users

CASES = [*users.CASES, *settings.CASES, *conflicts.CASES, *tokens.CASES]
