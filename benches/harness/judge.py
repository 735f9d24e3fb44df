"""No figure of a run that is not right: every row once, updated, at the account that is the user's own."""

import csv
import sys
from pathlib import Path

from . import users
from .measure import Sample


def judge(who: str, sample: Sample, outcome: Path, rows: int) -> None:
    if sample.code != 0:
        sys.exit(f"{who} ended with {sample.code}: {sample.output.strip()[-500:]}")
    seen = 0
    wrong = None
    with outcome.open(newline="") as lines:
        for line in csv.DictReader(lines):
            seen += 1
            digits = line["email"][1:13]
            right = line["email"] == users.email(int(digits)) and line["user_id"] == users.user_id(int(digits))
            if line["outcome"] != "updated" or not right:
                wrong = wrong or line
    if wrong or seen != rows:
        sys.exit(f"{who} did not do the job: {seen} of {rows} rows, the first that is wrong: {wrong}")
