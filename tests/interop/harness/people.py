"""Who is in the service, who is in the CSV, and how each row has to end."""

import csv
import secrets
import string
from dataclasses import dataclass
from pathlib import Path

# Local parts that a filter, a URL, a CSV or a shell could stumble over.
ODD = [
    "o'hara{}",
    "plus+tag{}",
    "per%cent{}",
    "amp&name=x{}",
    "hash#{}",
    "slash/{}",
    "question?{}",
    "jörg{}",
    '"quoted {}"',
    '"with\\"quote{}"',
    "under_score-{}",
    "{}*star",
]


@dataclass
class Row:
    """A row of the CSV, and what has to become of it."""

    email: str
    outcome: str
    password: str = ""
    phone: str = ""


def password() -> str:
    """Found nowhere else, so that it can be searched for."""
    letters = "".join(secrets.choice(string.ascii_letters) for _ in range(14))
    return f'{letters}7!"ä'


def account(name: str, active: bool = True) -> dict:
    return {"userName": name, "active": active, "password": f"old-{secrets.token_hex(8)}", "title": "Agent"}


class People:
    """200 rows: hits, misses, mixed case, odd addresses, disabled accounts, near misses; and 60 accounts
    that no row names."""

    def __init__(self, phones: bool = False):
        self.rows, self.accounts = [], []
        for number in range(1, 201):
            self.add(number)
        self.accounts += [account(f"bystander{number}@example.com") for number in range(60)]
        for number, row in enumerate(self.rows):
            row.password = password()
            row.phone = f"+1555010{number:04}" if phones and number % 2 else ""

    def add(self, number: int) -> None:
        kind = number % 20
        if kind == 0:
            self.rows.append(Row(f"missing{number}@example.com", "failed/not_found"))
        elif kind == 1:
            name = ODD[number // 20 % len(ODD)].format(number) + "@example.com"
            self.hit(name, name)
        elif kind == 2:
            self.hit(f"Mixed.Case{number}@Example.COM", f"mixed.case{number}@example.com")
        elif kind == 3 and number % 40 == 3:
            self.accounts.append(account(f"away{number}@example.com", active=False))
            self.rows.append(Row(f"away{number}@example.com", "skipped/inactive"))
        elif kind == 4:
            self.accounts += [account(f"xnear{number}@example.com"), account(f"near{number}@example.com.test")]
            self.rows.append(Row(f"near{number}@example.com", "failed/not_found"))
        elif kind == 5:
            self.hit(f"lower{number}@example.com", f"LOWER{number}@Example.com")
        else:
            self.hit(f"user{number}@example.com", f"user{number}@example.com")

    def hit(self, asked: str, known: str) -> None:
        self.accounts.append(account(known))
        self.rows.append(Row(asked, "updated"))


def few(names: list[str], outcome: str = "updated", phones: bool = False) -> "People":
    """Just these, each with an account."""
    people = People.__new__(People)
    people.accounts = [account(name) for name in [*names, "bystander@example.com"]]
    people.rows = [Row(name, outcome, password()) for name in names]
    for number, row in enumerate(people.rows):
        row.phone = f"+1555010{number:04}" if phones else ""
    return people


def write(rows: list[Row], path: Path) -> None:
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["email", "password", "mfa_phone"])
        out.writerows([row.email, row.password, row.phone] for row in rows)
