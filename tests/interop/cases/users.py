"""200 rows, found by a filter or in the list: hits, misses, mixed case, odd addresses, near misses."""

from harness.case import Case
from harness.judge import demand, judge
from harness.people import People, Row
from harness.stage import Service, Stage


def by_filter(stage: Stage) -> str:
    people = People()
    with stage.strict(people) as service:
        run = tried(service, people.rows, "filter")
        demand(run.summary["requests"]["lookup"] > 200, "the list was read though nobody asked for that")
    return f"{run.summary['outcomes']['updated']} updated with 204"


def by_list(stage: Stage) -> str:
    people = People()
    with stage.strict(people) as service:
        run = tried(service, people.rows, "directory")
        demand(run.summary["requests"]["lookup"] < 50, "the list saved no look-ups")
    return "read in pages; only whom it lacks is asked for by name"


def scimmy_by_filter(stage: Stage) -> str:
    people = People()
    rows = [as_scimmy_sees(row, people) for row in people.rows]
    with stage.scimmy(people) as service:
        run = tried(service, rows, "filter")
        detail = run.by_email()["Mixed.Case2@Example.COM"]["detail"]
        demand("capitals" in detail, detail)
    return "compares names byte for byte, and refuses a filter with `\\\"`: those rows fail, nobody is touched"


def scimmy_by_list(stage: Stage) -> str:
    people = People()
    rows = [as_scimmy_sees(row, people) for row in people.rows]
    with stage.scimmy(people) as service:
        run = tried(service, rows, "directory")
        demand(any("one by one" in words for words in run.summary["warnings"]), "the list was used")
    return "has no versions, so everybody is asked for by name"


def scimmy_with_versions(stage: Stage) -> str:
    """It then shows the same page for every `startIndex`: who walks on by it never ends."""
    people = People()
    rows = [as_scimmy_sees(row, people) for row in people.rows]
    with stage.scimmy(people, habit="versions") as service:
        run = tried(service, rows, "directory")
        demand(any("repeats itself" in words for words in run.summary["warnings"]), run.summary["warnings"])
        demand(run.summary["requests"]["lookup"] < 220, run.summary["requests"])
    return "ignores `startIndex`: the list repeats itself, so everybody is asked for by name"


def tried(service: Service, rows: list[Row], lookup: str):
    before = service.users()
    run = service.rekey.run("first", rows, "--lookup", lookup)
    demand(run.code == 3, f"exit code {run.code}: {run.words}")
    judge(run, rows, before, service.users())
    answers, updated = service.answers(), run.summary["outcomes"]["updated"]
    patched = sum(count for answer, count in answers.items() if answer.startswith("PATCH 2"))
    demand(patched == updated, f"{updated} rows are updated, and the service says yes {patched} times")
    return run


def as_scimmy_sees(row: Row, people: People) -> Row:
    names = {account["userName"] for account in people.accounts}
    if '"' in row.email:
        row.outcome = "failed/rejected"
    elif row.outcome == "updated" and row.email not in names:
        row.outcome = "failed/not_found"
    return row


CASES = [
    Case("scim2-server", "200 rows by filter", by_filter),
    Case("scim2-server", "200 rows by list", by_list),
    Case("SCIMMY", "200 rows by filter", scimmy_by_filter),
    Case("SCIMMY", "200 rows by list", scimmy_by_list),
    Case("SCIMMY", "200 rows by list, with versions", scimmy_with_versions),
]
