"""Every case, in the order of the table."""

from . import conflicts, limits, proxy, sandbox, settings, tls, tokens, users

CASES = [*users.CASES, *settings.CASES, *conflicts.CASES, *tokens.CASES, *tls.CASES, *proxy.CASES, *limits.CASES, *sandbox.CASES]
