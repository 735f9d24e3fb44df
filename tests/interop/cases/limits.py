"""nginx as a limit of requests that it tells nobody before."""

from harness import servers
from harness.case import Case
from harness.judge import demand, judge
from harness.people import few
from harness.rekey import Run
from harness.stage import Stage

NAMES = [f"user{number}@example.com" for number in range(1, 61)]
WAIT_S = 2
LIMIT = "limit_req_zone $server_name zone=all:1m rate=50r/s;"
TOLD = f"""
        limit_req_status 429;
        error_page 429 = @wait;
        location @wait {{ add_header Retry-After {WAIT_S} always; return 429; }}"""


def limited(stage: Stage, refusal: str) -> tuple[Run, str]:
    """A run through nginx, and nginx's own story of it."""
    people = few(NAMES)
    log = stage.folder / "access.log"
    port = servers.free_port()
    with stage.strict(people) as service:
        before = service.users()
        block = server(port, service.base, refusal)
        with servers.nginx(stage.folder, block, [port], f"{LIMIT} access_log {log} story;"):
            run = stage.rekey(f"http://127.0.0.1:{port}/v2").run("first", people.rows)
        demand(run.code == 0, f"exit code {run.code}: {run.words}")
        judge(run, people.rows, before, service.users())
        yes = service.answers().get("PATCH 204")
        demand(yes == len(people.rows), f"{yes} changes of {len(people.rows)} rows")
    return run, log.read_text()


def server(port: int, behind: str, refusal: str) -> str:
    return f"""
    server {{
        listen 127.0.0.1:{port};
        server_name limited;
        location / {{
            limit_req zone=all burst=40 nodelay;
            proxy_pass {behind};
        }}{refusal}
    }}"""


def told(stage: Stage) -> str:
    run, log = limited(stage, TOLD)
    patient(log, run.summary["throttled"])
    return "429 with Retry-After: nothing is sent before it is over, every row updated once"


def untold(stage: Stage) -> str:
    run, log = limited(stage, "")
    refusals = sum(line.split()[-2] == "503" for line in log.splitlines())
    sent = run.summary["requests"]
    demand(refusals > 0, "nothing was refused")
    demand(sent["lookup"] + sent["patch"] == len(log.splitlines()), "nginx was asked more often than is said")
    return "503 without Retry-After: slower, every row updated once"


def patient(log: str, throttled: int) -> None:
    """After a refusal there is silence. What was under way may come in within the first half of the wait."""
    lines = [line.split() for line in log.splitlines()]
    came = [float(line[0]) - float(line[-1]) for line in lines]
    refusals = [float(line[0]) for line in lines if line[-2] == "429"]
    demand(refusals and len(refusals) == throttled, f"{len(refusals)} refusals, {throttled} seen")
    for refused in refusals:
        early = [at for at in came if refused + WAIT_S / 2 < at < refused + WAIT_S]
        demand(not early, f"{len(early)} requests {early[:1]} within the wait after {refused}")


CASES = [
    Case("nginx, limit", "429 with Retry-After", told),
    Case("nginx, limit", "503, its default", untold),
]
