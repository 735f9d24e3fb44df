"""The judges before lies: each of them has to be noticed."""

import tempfile
from pathlib import Path

from harness.case import Case
from harness.judge import Failed, demand, judge
from harness.people import Row
from harness.rekey import SECRET, Run
from harness.stage import Stage

from .limits import WAIT_S, patient
from .proxy import only_connects

ANN, BEN = Row("ann@example.com", "updated", "new-ann"), Row("ben@example.com", "failed/not_found", "new-ben")
BEFORE = [
    {"id": "1", "userName": "ann@example.com", "password": "old", "active": True},
    {"id": "2", "userName": "cat@example.com", "password": "old", "active": True},
]
CHANGED = {**BEFORE[0], "password": "new-ann"}
AFTER = [CHANGED, BEFORE[1]]
OUTCOMES = [("ann@example.com", "updated", "", "1"), ("ben@example.com", "failed", "not_found", "")]
TUNNEL = "1.5 0 127.0.0.1 TCP_TUNNEL/200 39 CONNECT h:1 - HIER_DIRECT/127.0.0.1 -"
REFUSED = "100.0 limited HTTP/1.1 GET / 429 0.0\n"


def said(rows=(ANN, BEN), outcomes=OUTCOMES, after=AFTER, leak: str = ""):
    """Judges a run that says this, in a service that holds that."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "audit.jsonl").write_text(f"...{leak}...")
        fields = ("email", "outcome", "reason", "user_id")
        lines = [{**dict(zip(fields, line, strict=True)), "detail": ""} for line in outcomes]
        judge(Run(3, "", Path(folder), lines), list(rows), BEFORE, after)


def proxied(log: str) -> None:
    only_connects(log, {"h:1"}, [ANN])


def waited(seconds: float) -> None:
    patient(f"{REFUSED}{100 + seconds} limited HTTP/1.1 GET / 200 0.0\n", 1)


LIES = {
    "updated, and nothing changed": lambda: said(after=BEFORE),
    "updated, and something else changed too": lambda: said(after=[{**CHANGED, "active": False}, BEFORE[1]]),
    "somebody in no row changed": lambda: said(after=[CHANGED, {**BEFORE[1], "password": "new-ben"}]),
    "updated at another account": lambda: said(
        outcomes=[("ann@example.com", "updated", "", "2"), OUTCOMES[1]],
        after=[BEFORE[0], {**BEFORE[1], "password": "new-ann"}],
    ),
    "failed, and changed all the same": lambda: said(
        rows=(Row(ANN.email, "failed/rejected", ANN.password), BEN),
        outcomes=[("ann@example.com", "failed", "rejected", "1"), OUTCOMES[1]],
    ),
    "unknown, and changed to something else": lambda: said(
        rows=(Row(ANN.email, "unknown/server_error", ANN.password), BEN),
        outcomes=[("ann@example.com", "unknown", "server_error", "1"), OUTCOMES[1]],
        after=[{**BEFORE[0], "password": "another"}, BEFORE[1]],
    ),
    "a row without an outcome": lambda: said(outcomes=OUTCOMES[:1]),
    "a row with two": lambda: said(outcomes=[*OUTCOMES, OUTCOMES[1]]),
    "an account that is gone": lambda: said(after=[CHANGED]),
    "a password in a file": lambda: said(leak=BEN.password),
    "the client secret in a file": lambda: said(leak=SECRET),
    "a request that the proxy could read": lambda: proxied(TUNNEL.replace("CONNECT h:1", "GET http://h/Users")),
    "an address that the proxy could read": lambda: proxied(f"{TUNNEL}\n{TUNNEL}ann%40example.com"),
    "a proxy that nobody used": lambda: proxied(""),
    "a request before Retry-After is over": lambda: waited(WAIT_S * 0.75),
}
TRUTHS = {
    "a good run": said,
    "a tunnel": lambda: proxied(TUNNEL),
    "a request in good time": lambda: waited(WAIT_S * 1.25),
}


def noticed(stage: Stage) -> str:
    for words, truth in TRUTHS.items():
        demand(not objects(truth), f"{words} is taken for a lie")
    for words, lie in LIES.items():
        demand(objects(lie), f"nobody notices {words}")
    return f"{len(LIES)} of {len(LIES)} noticed"


def objects(to) -> bool:
    try:
        to()
    except Failed:
        return True
    return False


CASES = [Case("our judges", "lies", noticed)]
