"""squid on the way to nginx: it sees a host and a port, and nothing else."""

from harness import servers
from harness.case import Case
from harness.judge import demand, judge
from harness.people import Row, few
from harness.rekey import SECRET
from harness.stage import Stage

from .tls import BAD, FAR, NAMES, SPOKEN, Front, front


def tunnelled(stage: Stage) -> str:
    there, rows = front(stage), few(NAMES).rows
    with servers.squid(stage.folder, FAR) as proxy:
        for name in SPOKEN:
            through(name, stage, there, proxy, rows)
    places = {f"{FAR}:{there.ports[name]}" for name in SPOKEN}
    only_connects((stage.folder / "proxy.log").read_text(), places, rows)
    return "updated over HTTP/1.1 and HTTP/2.0; squid sees nothing but CONNECT"


def through(name: str, stage: Stage, there: Front, proxy: str, rows: list[Row]) -> None:
    before, came, base = there.service.users(), len(there.lines(name)), there.base(name, FAR)
    rekey = stage.rekey(f"{base}/v2", f"{base}/oauth/token")
    run = rekey.run(name, rows, "--ca-file", str(there.root), HTTPS_PROXY=proxy)
    demand(run.code == 0, f"exit code {run.code}: {run.words}")
    judge(run, rows, before, there.service.users())
    spoken = {line.split()[2] for line in there.lines(name, came + 1)[came:]}
    demand(spoken == {SPOKEN[name]}, f"{spoken} was spoken")


def only_connects(seen: str, places: set[str], rows: list[Row]) -> None:
    # A connection without a request is how the harness sees that the proxy is up.
    lines = [line.split() for line in seen.splitlines() if "transaction-end-before-headers" not in line]
    asked = {tuple(line[5:7]) for line in lines}
    demand(asked == {("CONNECT", place) for place in places}, f"the proxy was asked for {asked}")
    for word in ["@", "%40", "filter", "/Users", SECRET, *(row.email.partition("@")[0] for row in rows)]:
        demand(word not in seen, f"the proxy saw {word}")


def expired(stage: Stage) -> str:
    there, rows = front(stage), few(NAMES[:5]).rows
    with servers.squid(stage.folder, FAR) as proxy:
        base = there.base("expired", FAR)
        rekey = stage.rekey(f"{base}/v2", f"{base}/oauth/token")
        run = rekey.run("first", rows, "--ca-file", str(there.root), HTTPS_PROXY=proxy)
        demand(run.code == 78 and BAD["expired"].words in run.words, f"exit code {run.code}: {run.words}")
    demand("CONNECT" in (stage.folder / "proxy.log").read_text(), "the proxy was not used")
    return "exit code 78"


def refused(stage: Stage) -> str:
    """Port 9 is closed to everybody in servers/squid.conf."""
    people = few(NAMES[:5])
    with servers.squid(stage.folder, FAR) as proxy:
        rekey = stage.rekey(f"https://{FAR}:9/v2", f"https://{FAR}:9/oauth/token")
        flags = ["--max-outage", "1s", "--max-attempts", "2"]
        run = rekey.run("first", people.rows, *flags, HTTPS_PROXY=proxy)
        demand(run.code == 69, f"exit code {run.code}: {run.words}")
        ends = {f"{line['outcome']}/{line['reason']}" for line in run.outcomes}
        demand(ends == {"pending/outage"}, ends)
    demand("TCP_DENIED" in (stage.folder / "proxy.log").read_text(), "the proxy was not used")
    return "exit code 69, rows are `pending / outage`"


CASES = [
    Case("squid", "CONNECT", tunnelled),
    Case("squid", "an expired certificate behind it", expired),
    Case("squid", "a proxy that refuses", refused),
]
