"""MFA settings in a service that knows the attribute, and in one that does not."""

from harness.case import Case
from harness.judge import demand, judge
from harness.people import People, Row, few
from harness.stage import Service, Stage

NAMES = [f"user{number}@example.com" for number in range(1, 41)]
EXTENSION = "urn:ietf:params:scim:schemas:extension:example:2.0:User"
BEFORE = {"enabled": False, "mfaType": "app", "phoneNumber": "+15550109999"}


def settings(phone: str) -> dict:
    return {"enabled": True, "mfaType": "phone", "phoneNumber": phone}


# Where it is stored, and what has to be there.
CORE = {"path": "mfaSettings", "value": settings}
EXTENDED = {"path": EXTENSION, "value": lambda phone: {"mfaSettings": settings(phone)}}


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
    return "`failed / rejected`, nothing changed, the detail says what to do; without phones: updated"


def declared(service: Service, people: People, where: dict, expected: str, *flags: str) -> str:
    before = service.users()
    run = service.rekey.run("first", people.rows, *flags)
    demand(run.code == 0, f"exit code {run.code}: {run.words}")
    judge(run, people.rows, before, service.users(), where)
    for row in people.rows:
        wanted = expected if row.phone else "none"
        demand(run.by_email()[row.email]["mfa"] == wanted, f"mfa: {run.by_email()[row.email]['mfa']}")
    return f"stored as asked, in the place of what was there; `{expected}`"


def in_core(serve, expected: str) -> str:
    people = half_with_phones("updated")
    for account in people.accounts[1::4]:
        account["mfaSettings"] = BEFORE
    with serve(people, habit="mfa") as service:
        return declared(service, people, CORE, expected)


def in_extension(serve, expected: str) -> str:
    people = half_with_phones("updated")
    for account in people.accounts[1::4]:
        account[EXTENSION] = {"mfaSettings": BEFORE}
    with serve(people, habit="mfa extension") as service:
        return declared(service, people, EXTENDED, expected, "--mfa-path", f"{EXTENSION}:mfaSettings")


def nowhere(serve) -> str:
    people = half_with_phones("failed/rejected")
    with serve(people) as service:
        return undeclared(service, people)


CASES = [
    Case("scim2-server", "MFA undeclared", lambda stage: nowhere(stage.strict)),
    Case("scim2-server", "MFA declared", lambda stage: in_core(stage.strict, "accepted")),
    Case("scim2-server", "MFA in an extension", lambda stage: in_extension(stage.strict, "accepted")),
    Case("SCIMMY", "MFA undeclared", lambda stage: nowhere(stage.scimmy)),
    Case("SCIMMY", "MFA declared", lambda stage: in_core(stage.scimmy, "confirmed")),
    Case("SCIMMY", "MFA in an extension", lambda stage: in_extension(stage.scimmy, "confirmed")),
]
