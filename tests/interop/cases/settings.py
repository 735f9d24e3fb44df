"""MFA settings in a service that knows the attribute, and in one that does not."""

from dataclasses import dataclass

from harness.case import Case
from harness.judge import demand, judge
from harness.people import People, Row, few
from harness.stage import Service, Stage

NAMES = [f"user{number}@example.com" for number in range(1, 41)]
EXTENSION = "urn:ietf:params:scim:schemas:extension:example:2.0:User"
BEFORE = {"enabled": False, "mfaType": "app", "note": "by hand", "phoneNumber": "+15550109999"}


def settings(phone: str, rest: dict) -> dict:
    return {**rest, "enabled": True, "mfaType": "phone", "phoneNumber": phone}


@dataclass
class Habit:
    """What a service makes of a complex value: RFC 7644 leaves what a `replace` does not name as it was."""

    leaves_the_rest: bool
    says: str

    def core(self, phone: str, before: dict | None) -> dict:
        return settings(phone, before if before and self.leaves_the_rest else {})

    def extended(self, phone: str, before: dict | None) -> dict:
        return {"mfaSettings": self.core(phone, (before or {}).get("mfaSettings"))}

    def note(self) -> str:
        rest = "left as it was" if self.leaves_the_rest else "gone"
        return f"stored as asked, what else was there is {rest}; `{self.says}`"


STRICT, LOOSE = Habit(True, "accepted"), Habit(False, "confirmed")


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
        demand("invalidPath" in detail and "phones" in detail and "--mfa-path" in detail, detail)
    without = [Row(row.email, "updated", row.password) for row in people.rows[1::2]]
    before = service.users()
    again = service.rekey.run("again", without)
    demand(again.code == 0, f"without phones: exit code {again.code}: {again.words}")
    judge(again, without, before, service.users())
    return "`failed / rejected`, nothing changed, the detail says what to do; without phones: updated"


def declared(service: Service, people: People, mfa: dict, habit: Habit, *flags: str) -> str:
    before = service.users()
    run = service.rekey.run("first", people.rows, *flags)
    demand(run.code == 0, f"exit code {run.code}: {run.words}")
    judge(run, people.rows, before, service.users(), mfa)
    for row in people.rows:
        wanted = habit.says if row.phone else "none"
        demand(run.by_email()[row.email]["mfa"] == wanted, f"mfa: {run.by_email()[row.email]['mfa']}")
    return habit.note()


def in_core(serve, habit: Habit) -> str:
    people = half_with_phones("updated")
    for account in people.accounts[1::4]:
        account["mfaSettings"] = BEFORE
    with serve(people, habit="mfa") as service:
        return declared(service, people, {"path": "mfaSettings", "value": habit.core}, habit)


def in_extension(serve, habit: Habit) -> str:
    people = half_with_phones("updated")
    for account in people.accounts[1::4]:
        account[EXTENSION] = {"mfaSettings": BEFORE}
    with serve(people, habit="mfa extension") as service:
        mfa = {"path": EXTENSION, "value": habit.extended}
        return declared(service, people, mfa, habit, "--mfa-path", f"{EXTENSION}:mfaSettings")


def nowhere(serve) -> str:
    people = half_with_phones("failed/rejected")
    with serve(people) as service:
        return undeclared(service, people)


CASES = [
    Case("scim2-server", "MFA undeclared", lambda stage: nowhere(stage.strict)),
    Case("scim2-server", "MFA declared", lambda stage: in_core(stage.strict, STRICT)),
    Case("scim2-server", "MFA in an extension", lambda stage: in_extension(stage.strict, STRICT)),
    Case("SCIMMY", "MFA undeclared", lambda stage: nowhere(stage.scimmy)),
    Case("SCIMMY", "MFA declared", lambda stage: in_core(stage.scimmy, LOOSE)),
    Case("SCIMMY", "MFA in an extension", lambda stage: in_extension(stage.scimmy, LOOSE)),
]
