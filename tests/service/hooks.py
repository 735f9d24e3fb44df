"""What schemathesis cannot read from the description: an Idempotency-Key is for one request, and a caller has
his domains.

A valid key is replaced by one that nothing else bears, or a second request with it would rightly be refused; a
valid address is moved into the caller's domain, or nobody would be reset. What is wrong on purpose stays wrong.
"""

import re
import uuid

import schemathesis
from schemathesis import GenerationMode

KEY = "Idempotency-Key"
VALID = re.compile(r'[!#-~]{1,255}|"[!#-~]{1,255}"')


@schemathesis.hook
def before_call(context, case, **kwargs):
    if case.headers and VALID.fullmatch(str(case.headers.get(KEY, ""))):
        case.headers[KEY] = str(uuid.uuid4())
    meant_well = case.meta and case.meta.generation.mode == GenerationMode.POSITIVE
    if meant_well and isinstance(case.body, dict) and "@" in str(case.body.get("email", "")):
        case.body["email"] = case.body["email"].rsplit("@", 1)[0] + "@example.com"
