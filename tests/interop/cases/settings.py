"""MFA settings in a service that knows the attribute, and in one that does not."""

from harness.case import Case
from harness.judge import demand, judge
from harness.people import People, Row, few
from harness.stage import Service, Stage

NAMES = [f"user{number}@example.com" for number in range(1, 41)]
CORE = {
    "path": "mfaSettings",
    "value": lambda phone: {"enabled": True, "mfaType": "phone", "phoneNumber": phone},
}


def half_with_phones(outcome: str) -> People:
    people = few(NAMES, phones=True)
    for row in people.rows[::2]:
        row.phone = ""
    for row in people.rows[1::2]:
        row.outcome = outcome
    return people


def undeclared(service: Service, people: People) -> str:
    before = service.users()
    run = service.rekey.run("first", people.rows)
    demand(run.code == 3, f"exit code {run.code}: {run.words}")
    judge(run, people.rows, before, service.users())
    for row in people.rows[1::2]:
        detail = run.by_email()[row.email]["detail"]
        demand("invalidPath" in detail and "mfaSettings" in detail and "--mfa-path" in detail, detail)
    without = [Row(row.email, "updated", row.password) for row in people.rows[1::2]]
    before = service.users()
    again = service.rekey.run("again", without)
    demand(again.code == 0, f"without phones: exit code {again.code}: {again.words}")
    judge(again, without, before, service.users())
    return "`failed / rejected`, nothing changed, the detail says what to do; without the phone column: updated"


def declared(service: Service, people: People, expected: str) -> str:
    before = service.users()
    run = service.rekey.run("first", people.rows)
    demand(run.code == 0, f"exit code {run.code}: {run.words}")
    judge(run, people.rows, before, service.users(), CORE)
    for row in people.rows:
        wanted = expected if row.phone else "none"
        demand(run.by_email()[row.email]["mfa"] == wanted, f"mfa: {run.by_email()[row.email]['mfa']}")
    return f"stored as asked; `{expected}`"


def strict_undeclared(stage: Stage) -> str:
    people = half_with_phones("failed/rejected")
    with stage.strict(people) as service:
        return undeclared(service, people)


def strict_declared(stage: Stage) -> str:
    people = half_with_phones("updated")
    with stage.strict(people, mfa="declared") as service:
        return declared(service, people, "accepted")


def scimmy_undeclared(stage: Stage) -> str:
    people = half_with_phones("failed/rejected")
    with stage.scimmy(people) as service:
        return undeclared(service, people)


def scimmy_declared(stage: Stage) -> str:
    people = half_with_phones("updated")
    with stage.scimmy(people, mfa="declared") as service:
        return declared(service, people, "confirmed")


CASES = [
    Case("scim2-server", "MFA undeclared", strict_undeclared),
    Case("scim2-server", "MFA declared", strict_declared),
    Case("SCIMMY", "MFA undeclared", scimmy_undeclared),
    Case("SCIMMY", "MFA declared", scimmy_declared),
]
