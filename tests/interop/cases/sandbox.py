"""Our sandbox before foreign clients: scim2-tester, scim2-client, scim2-cli."""

import json
import os
import random
import subprocess

from harness.case import Case
from harness.install import PYTHON
from harness.judge import demand
from harness.sandboxed import Sandbox, sandbox
from harness.stage import Stage
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import PatchOp, PatchOperation, SCIMException, SearchRequest
from scim2_tester import Status, check_server

NAME = '"with\\"quote"@example.com'
PASSWORD = "N3w! pass-word"
MFA = {"enabled": True, "mfaType": "phone", "phoneNumber": "+15550100199"}

# What scim2-tester finds, and why it stays: the check, words of what it says, the reason. The document
# has the same list.
DIFFERENCES = [
    ("search_with_attributes", "no such endpoint", "`POST /.search` does not exist at Genesys Cloud either"),
    ("object_replacement", "no such method", "`PUT`: the program never replaces an account"),
    ("object_deletion", "still exists", "`DELETE`: the program never deletes an account"),
    ("check_add_attribute", "User:schemas", "the client puts `schemas` into an extension's value, which has none"),
    ("check_replace_attribute", "User:schemas", "the client puts `schemas` into an extension's value, which has none"),
    ("check_add_attribute", "MFA settings are", "a phone has to be E.164, and the client makes up any text"),
    ("check_replace_attribute", "MFA settings are", "a phone has to be E.164, and the client makes up any text"),
    ("object_list_with_attributes", "could not find", "without a filter only active users are listed, as there"),
    ("check_remove_attribute", "active must be", "every account is either active or not, as at Genesys Cloud"),
]
# Accounts are put in by the back door, so this says nothing.
NOT_EXAMINED = {"object_creation"}
GOOD = {Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE}


def tester(stage: Stage) -> str:
    with sandbox(stage) as service, service.client() as http:
        # It rolls dice for every value; this roll makes a disabled account among others.
        random.seed(1)
        results = check_server(SyncSCIMClient(http))
    results = [result for result in results if result.title not in NOT_EXAMINED]
    bad = [result for result in results if result.status not in GOOD]
    met = set()
    for result in bad:
        known = [one for one in DIFFERENCES if one[0] == result.title and one[1] in str(result.reason)]
        demand(known, f"{result.status.name} {result.title}: {result.reason}")
        met.update(known)
    demand(met == set(DIFFERENCES), f"no longer found: {set(DIFFERENCES) - met}")
    demand(len(results) - len(bad) >= 100, f"only {len(results) - len(bad)} checks are good")
    return f"no error beyond the {len(DIFFERENCES)} listed below"


def client(stage: Stage) -> str:
    with sandbox(stage) as service, service.client() as http:
        service.control("users", {"user_name": NAME})
        scim = SyncSCIMClient(http)
        scim.discover()
        user = found(scim, NAME)
        patched(scim, user)
        judged(service, user.id)
        demand(found(scim, NAME).meta.version != user.meta.version, "the version did not change")
        http.headers["If-Match"] = user.meta.version
        try:
            patched(scim, user)
        except SCIMException as refusal:
            demand(refusal.status == 412, repr(refusal))
        else:
            demand(False, "a stale version was taken")
    return "looked up and patched; a stale version is refused with 412"


def found(scim: SyncSCIMClient, name: str):
    wanted = SearchRequest(filter=f"userName eq {json.dumps(name)}", start_index=1, count=25)
    users = scim.query(scim.get_resource_model("User"), query_parameters=wanted).resources
    demand(len(users) == 1 and users[0].user_name == name, users)
    return users[0]


def patched(scim: SyncSCIMClient, user) -> None:
    replace = PatchOperation.Op.replace_
    operations = [
        PatchOperation(op=replace, path="password", value=PASSWORD),
        PatchOperation(op=replace, path="mfaSettings", value=MFA),
    ]
    shown = scim.modify(type(user), user.id, PatchOp[type(user)](operations=operations))
    settings = shown.model_dump()["mfaSettings"]
    demand(settings == MFA, settings)


def judged(service: Sandbox, user_id: str) -> None:
    """What really became of it."""
    applied = service.control("truth")["applied"]
    demand([one["user_id"] for one in applied] == [user_id], applied)
    demand((applied[0]["password"], applied[0]["mfa"]) == (PASSWORD, MFA), applied)


def command_line(stage: Stage) -> str:
    with sandbox(stage) as service, service.client() as http:
        service.control("users", {"user_name": NAME})
        listed = asked(service, http, "query", "user", "--filter", f"userName eq {json.dumps(NAME)}")
        demand([user["userName"] for user in listed["Resources"]] == [NAME], listed)
    return "looked up by filter"


def asked(service: Sandbox, http, *words: str) -> dict:
    command = [str(PYTHON.parent / "scim2"), "--url", service.scim, *words]
    header = f"Authorization: {http.headers['Authorization']}"
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "SCIM_CLI_HEADERS": header, "NO_COLOR": "1"},
    )
    demand(done.returncode == 0, done.stdout + done.stderr)
    return json.loads(done.stdout)


CASES = [
    Case("sandbox", "scim2-tester", tester),
    Case("sandbox", "scim2-client", client),
    Case("sandbox", "scim2-cli", command_line),
]
