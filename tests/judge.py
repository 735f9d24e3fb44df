#!/usr/bin/env python3
"""Judges a run folder against what the service really did, apart from the program's own code.

Reads cases from standard input and answers each with its violations, one JSON value a line. A case:

    {"input": PATH, "run_dir": PATH, "patches": NUMBER or null, "truth": what the sandbox tells}

With a number the run has come to its end, and no more changes than that may have been sent. Without
one it was killed or has failed on the way: then the log alone is judged, a torn tail is no
violation, and what was sent must have been declared.
"""

import csv
import hashlib
import json
import re
import sys
from collections import Counter
from pathlib import Path

ZEROS = "0" * 64
COLUMNS = "line,email,outcome,reason,user_id,mfa,http_status,attempts,finished_at,detail".split(",")


def read_input(path):
    """The rows of INPUT, by the line on which they begin."""
    rows = {}
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        header = next(reader)
        begins = reader.line_num + 1
        for cells in reader:
            if cells:
                rows[begins] = dict(zip(header, cells))
            begins = reader.line_num + 1
    return rows


def read_log(path, whole):
    """The records of the log up to a torn tail, and what is wrong with the chain."""
    lines = path.read_bytes().split(b"\n")
    wrong, records, prev = [], [], ZEROS
    if lines.pop() and whole:
        wrong.append("audit.jsonl ends in a torn line")
    for place, line in enumerate(lines, start=1):
        sealed, found, rest = line.rpartition(b',"hash":')
        try:
            record = json.loads(line)
        except ValueError:
            record = {}
        own = hashlib.sha256(sealed).hexdigest()
        if not found or rest != b'"%s"}' % own.encode() or record.get("hash") != own:
            wrong.append(f"audit.jsonl line {place}: not what was hashed")
        if record.get("prev") != prev or record.get("seq") != place:
            wrong.append(f"audit.jsonl line {place}: does not follow the line before it")
        prev = record.get("hash", "")
        records.append(record)
    return records, wrong


def declared(records, truth):
    """No account was sent more changes than the log declares, and the right ones."""
    intents = Counter(record["user_id"] for record in records if record.get("kind") == "intent")
    seen = [seen for seen in truth.get("requests", []) if seen["kind"] == "patch"]
    sent = Counter(seen["path"].rsplit("/", 1)[1] for seen in seen)
    applied = Counter(change["user_id"] for change in truth["applied"])
    if truth["requests_not_kept"] or len(seen) != truth["patch_requests"]:
        yield "the service did not keep all it saw, so nobody can judge"
    for what, counts in (("sent", sent), ("applied", applied)):
        for user, times in counts.items():
            if times > intents[user]:
                yield f"{times} changes {what} to {user}, {intents[user]} declared"


def last_words(records):
    """What the log says last of each row, as outcome.csv would."""
    last = {}
    for record in records:
        kind = record.get("kind")
        if kind == "run_start":
            last = {}
        elif kind == "intent":
            last[record["line"]] = ("unknown", "reply_lost", record["user_id"], "")
        elif kind in ("result", "skip"):
            user_id = record.get("user_id", "")
            last[record["line"]] = (record["outcome"], record["reason"], user_id, record["mfa"])
    return last


def outcomes(path, rows, records):
    """One line a row, in order, and the same as the log says."""
    with open(path, encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    if not table or list(table[0]) != COLUMNS:
        return [], ["outcome.csv has not the columns"]
    wrong = []
    if [row["line"] for row in table] != [str(line) for line in rows]:
        times = Counter(row["line"] for row in table)
        lost = [line for line in rows if not times[str(line)]]
        doubled = [line for line in times if times[line] > 1]
        wrong.append(f"outcome.csv is not INPUT's rows in order: {lost} lost, {doubled} doubled")
    last = last_words(records)
    for row in table:
        line = int(row["line"])
        if row["email"] != rows.get(line, {}).get("email", "").strip():
            wrong.append(f"outcome.csv line {line}: another user's")
        if tuple(row[name] for name in ("outcome", "reason", "user_id", "mfa")) != last.get(line):
            wrong.append(f"outcome.csv line {line}: {row}, but the log says {last.get(line)}")
    return table, wrong


def truthful(table, rows, truth):
    """`updated` was applied as asked, `failed` was not, and nobody else was changed."""
    applied = {}
    for change in truth["applied"]:
        applied.setdefault(change["user_name"].lower(), []).append(change)
    for row in table:
        changes = applied.pop(row["email"].lower(), [])
        asked = rows.get(int(row["line"]), {})
        phone = re.sub(r"[ .()-]", "", asked.get("mfa_phone", ""))
        as_asked = [
            change["password"] == (asked.get("password") or None)
            and (not phone or (change["mfa"] or {}).get("phoneNumber") == phone)
            for change in changes
        ]
        if not all(as_asked):
            yield f"line {row['line']}: changed, but not as asked"
        if row["outcome"] == "updated" and not changes:
            yield f"line {row['line']}: updated, but not applied"
        if row["outcome"] not in ("updated", "unknown", "pending") and changes:
            yield f"line {row['line']}: {row['outcome']}, but applied"
    for user in applied:
        yield f"{user} was changed and is in no row"


def summed_up(path, table, records):
    """The summary's counts are those of the outcome file, and it speaks of this log."""
    summary = json.loads(path.read_bytes())
    families = Counter(row["outcome"] for row in table)
    reasons = Counter(f"{row['outcome']}/{row['reason']}" for row in table if row["reason"])
    if {name: count for name, count in summary["outcomes"].items() if count} != families:
        yield f"summary.json counts {summary['outcomes']}, outcome.csv {dict(families)}"
    told = {name: count for name, count in summary["reasons"].items() if not name.endswith("/")}
    if told != reasons:
        yield f"summary.json gives reasons {told}, outcome.csv {dict(reasons)}"
    if summary["rows"] != len(table):
        yield f"summary.json speaks of {summary['rows']} rows, outcome.csv of {len(table)}"
    if not records or summary["audit_head"] != records[-1].get("hash"):
        yield "summary.json does not speak of this log"


def judge(case):
    """All violations."""
    folder, truth, patches = Path(case["run_dir"]), case["truth"], case["patches"]
    log, ended = folder / "audit.jsonl", patches is not None
    records, wrong = read_log(log, whole=ended) if log.exists() else ([], [])
    wrong.extend(declared(records, truth))
    if not ended:
        return wrong
    rows = read_input(case["input"])
    table, of_table = outcomes(folder / "outcome.csv", rows, records)
    wrong.extend(of_table)
    wrong.extend(truthful(table, rows, truth))
    wrong.extend(summed_up(folder / "summary.json", table, records))
    if truth["patch_requests"] > patches:
        wrong.append(f"{truth['patch_requests']} changes sent, at most {patches} allowed")
    left = [path.name for path in folder.iterdir() if path.name.startswith(".")]
    return wrong + [f"{name} was left behind" for name in left]


if __name__ == "__main__":
    for line in sys.stdin:
        try:
            verdict = judge(json.loads(line))
        except Exception as error:  # What cannot be read is a violation too.
            verdict = [f"cannot be judged: {error!r}"]
        print(json.dumps(verdict), flush=True)
