"""Tokens from an OAuth server made of Authlib, used at scim2-server."""

from collections import Counter
from dataclasses import replace

from harness.case import Case
from harness.judge import demand, judge
from harness.people import few
from harness.stage import Stage

NAMES = [f"user{number}@example.com" for number in range(1, 81)]


class Asked:
    """A run as this client: the requests for a token that it cost, and what the service answered."""

    def __init__(self, stage: Stage, client: str, outcome: str, *flags: str, rows: int = len(NAMES), **how: str):
        people = few(NAMES)
        service = stage.shared.get("tokens", lambda: stage.strict(people))
        rekey = replace(service.rekey, folder=stage.folder, client=client)
        rows = few(NAMES[:rows], outcome).rows
        before, spent, said = service.users(), len(stage.token_requests()), service.answers()
        self.run = rekey.run("run", rows, *flags, **how)
        judge(self.run, rows, before, service.users())
        self.requests = stage.token_requests()[spent:]
        self.answers = Counter(service.answers()) - Counter(said)


def shown(stage: Stage, client: str, how: str, fields: list[str], *flags: str) -> str:
    asked = Asked(stage, client, "updated", *flags)
    demand(asked.run.code == 0, f"exit code {asked.run.code}: {asked.run.words}")
    demand(asked.requests == [{"status": 200, "how": how, "fields": fields}], asked.requests)
    return "one token, whatever characters the secret has"


def basic(stage: Stage) -> str:
    return shown(stage, "basic", "basic", ["grant_type"])


def body(stage: Stage) -> str:
    fields = ["client_id", "client_secret", "grant_type", "scope"]
    return shown(stage, "body", "body", fields, "--token-auth", "body", "--scope", "scim")


WRONG = {
    "a secret that is not it": ("basic", {"secret": "not the secret"}, []),
    "a client that nobody knows": ("nobody", {}, []),
    "Basic, where the body is wanted": ("body", {}, []),
    "the body, where Basic is wanted": ("basic", {}, ["--token-auth", "body"]),
}


def refused(stage: Stage) -> str:
    for number, (what, (client, how, flags)) in enumerate(WRONG.items()):
        place = replace(stage, folder=stage.folder / str(number))
        place.folder.mkdir()
        asked = Asked(place, client, "pending/interrupted", *flags, rows=5, **how)
        words = asked.run.words
        demand(asked.run.code == 77, f"{what}: exit code {asked.run.code}: {words}")
        demand("invalid_client" in words and "region" in words, f"{what}: {words}")
        demand([request["status"] for request in asked.requests] == [401], f"{what}: {asked.requests}")
        demand(not asked.answers, f"{what}: the service was asked: {asked.answers}")
    return "exit code 77 after one request, and no row is touched"


def renewed(stage: Stage, client: str, refusals: bool) -> str:
    """Long enough for more than one token: 160 requests at 40 a second."""
    asked = Asked(stage, client, "updated", "--rate", "40/s")
    demand(asked.run.code == 0, f"exit code {asked.run.code}: {asked.run.words}")
    demand(len(asked.requests) >= 2, f"{len(asked.requests)} tokens")
    refused = sum(count for answer, count in asked.answers.items() if answer.endswith(" 401"))
    demand((refused > 0) == refusals, asked.answers)
    demand(asked.answers["PATCH 204"] == len(NAMES), asked.answers)
    return "renewed in mid-run; every row updated once"


CASES = [
    Case("Authlib", "client credentials by Basic", basic),
    Case("Authlib", "client credentials in the body", body),
    Case("Authlib", "refused credentials", refused),
    Case("Authlib", "a token that is about to end", lambda stage: renewed(stage, "short", refusals=False)),
    Case("Authlib", "a token that ends unannounced", lambda stage: renewed(stage, "revoked", refusals=True)),
]
