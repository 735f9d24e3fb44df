"""Somebody else changes accounts between the look-up and the PATCH, in a service with entity tags."""

from harness.case import Case
from harness.judge import demand, judge
from harness.people import People, few
from harness.stage import Stage

from .settings import LOOSE

# servers/strict.py changes these.
ENDINGS = {"meddled": "updated", "restless": "failed/conflict", "renamed": "failed/not_found"}
BY_OTHERS = {"title", "userName"}


def met_by_others() -> People:
    names = [f"{manner}{number}@example.com" for number in range(1, 4) for manner in [*ENDINGS, "quiet"]]
    people = few(names)
    for row in people.rows:
        row.outcome = next((end for manner, end in ENDINGS.items() if row.email.startswith(manner)), "updated")
    return people


def tried(stage: Stage, lookup: str) -> str:
    people = met_by_others()
    with stage.strict(people) as service:
        before = service.users()
        run = service.rekey.run("first", people.rows, "--lookup", lookup)
        demand(run.code == 3, f"exit code {run.code}: {run.words}")
        judge(run, people.rows, before, service.users(), by_others=BY_OTHERS)
        answers = service.answers()
        demand(answers.get("PATCH 204") == 6, f"six updates: {answers}")
        demand(answers.get("PATCH 412", 0) >= 6, f"nobody was stopped by If-Match: {answers}")
    return "412, looked up again: updated, or `conflict` when it does not end, or `not_found` once renamed"


def renamed_unnoticed(stage: Stage) -> str:
    """Without entity tags only the reply to the change itself shows that the account is another's by now."""
    people = few(["quiet1@example.com", "renamed1@example.com", "quiet2@example.com"], phones=True)
    for row, outcome in zip(people.rows, ["updated", "unknown/server_error", "pending/interrupted"], strict=True):
        row.outcome = outcome
    with stage.scimmy(people, habit="mfa") as service:
        before = service.users()
        run = service.rekey.run("first", people.rows, "--concurrency", "1")
        demand(run.code == 78, f"exit code {run.code}: {run.words}")
        judge(run, people.rows, before, service.users(), {"path": "mfaSettings", "value": LOOSE.core}, BY_OTHERS)
        demand("another account" in run.words, run.words)
    return "has no versions: the yes shows another name, so the row is `unknown` and the run stops with 78"


CASES = [
    Case("scim2-server", "changed meanwhile, by filter", lambda stage: tried(stage, "filter")),
    Case("scim2-server", "changed meanwhile, by list", lambda stage: tried(stage, "directory")),
    Case("SCIMMY", "renamed meanwhile", renamed_unnoticed),
]
