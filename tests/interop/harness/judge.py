"""Holds outcome.csv against the service's own data. Nothing here believes the program."""

from .people import Row
from .rekey import Run

# What a service changes by itself.
OWN = {"meta", "schemas", "id"}


class Failed(Exception):
    """A case did not come out as it must."""


def demand(holds: bool, words: object) -> None:
    if not holds:
        raise Failed(str(words))


def judge(
    run: Run,
    rows: list[Row],
    before: list[dict],
    after: list[dict],
    mfa: dict | None = None,
    by_others: frozenset = frozenset(),
) -> None:
    """Every row ended as it had to; `updated` if and only if the account changed as asked; nobody else did.

    What is `unknown` may have changed as asked, or not at all."""
    lines = run.by_email()
    demand(len(run.outcomes) == len(rows) == len(lines), f"{len(run.outcomes)} outcomes of {len(rows)} rows")
    was, now = ({user["id"]: user for user in data} for data in (before, after))
    demand(was.keys() == now.keys(), "accounts came or went")
    asked, in_doubt = {}, {}
    for row in rows:
        line = lines[row.email]
        ending = "/".join(filter(None, [line["outcome"], line["reason"]]))
        demand(ending == row.outcome, f"{row.email}: {ending} ({line['detail']}), expected {row.outcome}")
        if line["outcome"] == "unknown":
            in_doubt[line["user_id"]] = row
        if line["outcome"] == "updated":
            demand(line["user_id"] not in asked, f"{row.email}: an account is updated for two rows")
            asked[line["user_id"]] = row
    for user_id, user in now.items():
        same = {key: was[user_id].get(key) for key in by_others}
        changed = user.get("password") != was[user_id].get("password")
        row = asked.get(user_id) or (in_doubt.get(user_id) if changed else None)
        account({**user, **same}, was[user_id], row, mfa)
    nothing_leaks(run, rows)


def account(user: dict, before: dict, row: Row | None, mfa: dict | None) -> None:
    name = user["userName"]
    changes = {key for key in user.keys() | before.keys() if user.get(key) != before.get(key)} - OWN
    if row is None:
        demand(not changes, f"{name} changed ({changes}) though no row was updated for it")
        return
    demand(row.email.lower() == name.lower(), f"{row.email} was updated at {name}")
    demand(user.get("password") == row.password, f"{name}: updated, but it has not the row's password")
    expected = {"password"}
    if row.phone and mfa:
        wanted = mfa["value"](row.phone, before.get(mfa["path"]))
        demand(user.get(mfa["path"]) == wanted, f"{name}: {user.get(mfa['path'])} was stored")
        expected.add(mfa["path"])
    demand(changes <= expected, f"{name}: more changed than was asked for: {changes - expected}")


def nothing_leaks(run: Run, rows: list[Row]) -> None:
    from .rekey import SECRET

    secrets = [row.password for row in rows] + [row.phone for row in rows if row.phone] + [SECRET]
    texts = [file.read_bytes() for file in run.folder.iterdir() if file.is_file()] + [run.words.encode()]
    for secret in secrets:
        demand(not any(secret.encode() in text for text in texts), "something secret is in what the run left")
