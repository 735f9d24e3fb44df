"""Every case, in the order of the table."""

from . import conflicts, lies, limits, proxy, sandbox, settings, tls, tokens, users

MODULES = [users, settings, conflicts, tokens, tls, proxy, limits, sandbox, lies]
CASES = [case for module in MODULES for case in module.CASES]
