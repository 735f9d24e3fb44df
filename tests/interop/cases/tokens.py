"""Tokens from an OAuth server made of Authlib, used at scim2-server."""

from harness.case import Case
from harness.judge import demand, judge
from harness.people import People, few
from harness.stage import Service, Stage

NAMES = [f"user{number}@example.com" for number in range(1, 81)]


def asked(stage: Stage, service: Service, people: People, client: str, *flags: str, **how: str):
    """A run as this client, and the requests for a token that it cost."""
    before, spent = service.users(), len(stage.token_requests())
    service.rekey.client = client
    run = service.rekey.run("first", people.rows, *flags, **how)
    judge(run, people.rows, before, service.users())
    return run, stage.token_requests()[spent:]


def shown(stage: Stage, client: str, how: str, fields: list[str], *flags: str) -> str:
    people = few(NAMES)
    with stage.strict(people) as service:
        run, requests = asked(stage, service, people, client, *flags)
    demand(run.code == 0, f"exit code {run.code}: {run.words}")
    demand(requests == [{"status": 200, "how": how, "fields": fields}], requests)
    return "one token, whatever characters the secret has"


def basic(stage: Stage) -> str:
    return shown(stage, "basic", "basic", ["grant_type"])


def body(stage: Stage) -> str:
    fields = ["client_id", "client_secret", "grant_type", "scope"]
    return shown(stage, "body", "body", fields, "--token-auth", "body", "--scope", "scim")


def refused(stage: Stage) -> str:
    wrong = {
        "a secret that is not it": ("basic", "not the secret", []),
        "a client that nobody knows": ("nobody", "not the secret", []),
        "Basic, where the body is wanted": ("body", "", []),
        "the body, where Basic is wanted": ("basic", "", ["--token-auth", "body"]),
    }
    for number, (what, (client, secret, flags)) in enumerate(wrong.items()):
        place = stage.begin(f"wrong-{number}")
        people = few(NAMES[:5], outcome="pending/interrupted")
        with place.strict(people) as service:
            how = {"secret": secret} if secret else {}
            run, requests = asked(stage, service, people, client, *flags, **how)
            demand(set(service.answers()) <= {"GET 200"}, f"{what}: {service.answers()}")
        demand(run.code == 77, f"{what}: exit code {run.code}: {run.words}")
        demand("invalid_client" in run.words and "region" in run.words, f"{what}: {run.words}")
        demand([request["status"] for request in requests] == [401], f"{what}: {requests}")
    return "exit code 77 after one request, and no row is touched"


def renewed(stage: Stage, client: str, refusals: bool) -> str:
    """Long enough for more than one token: 160 requests at 40 a second."""
    people = few(NAMES)
    with stage.strict(people) as service:
        run, requests = asked(stage, service, people, client, "--rate", "40/s")
        answers = service.answers()
    demand(run.code == 0, f"exit code {run.code}: {run.words}")
    demand(len(requests) >= 2, f"{len(requests)} tokens")
    refused = sum(count for answer, count in answers.items() if answer.endswith(" 401"))
    demand((refused > 0) == refusals, answers)
    return "renewed in mid-run; every row updated once"


CASES = [
    Case("Authlib", "client credentials by Basic", basic),
    Case("Authlib", "client credentials in the body", body),
    Case("Authlib", "refused credentials", refused),
    Case("Authlib", "a token that is about to end", lambda stage: renewed(stage, "short", refusals=False)),
    Case("Authlib", "a token that ends unannounced", lambda stage: renewed(stage, "revoked", refusals=True)),
]
