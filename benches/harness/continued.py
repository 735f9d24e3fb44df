"""How long a long run that was broken off needs until it asks the service something again."""

import signal
import subprocess
import time
from pathlib import Path

from . import measure, table, users
from .judge import judge
from .ours import Program
from .service import CLIENT_CORE, Nginx


def continued(program: Program, folder: Path, rows: int, done: int) -> None:
    file = users.write(folder / "users.csv", rows)
    program.fresh()
    with Nginx(folder) as nginx:
        env = program.environment(nginx.base, nginx.token_url)
        child = subprocess.Popen(["taskset", "-c", str(CLIENT_CORE), *program.flat_out(file)], env=env)
        try:
            really_done = watch(program.outcome, child, done)
        finally:
            child.send_signal(signal.SIGINT)
            code = child.wait()
    if code != 130:
        raise SystemExit(f"the run that was to be broken off at {done} ended with {code}")
    with Nginx(folder, log=True, port=nginx.port) as again:
        began = time.time()
        sample = measure.run(program.flat_out(file), env)
        moments = again.moments()
    judge("scim-rekey, continued,", sample, program.outcome, rows)
    program.fresh()
    lookup = next(at for at, path in moments if path.endswith("/Users"))
    line = [
        str(really_done),
        table.target(moments[0][0] - began, 10, False),
        table.target(lookup - began, 10, False),
        f"{sample.peak_mib:.1f}",
    ]
    head = ["rows done before", "first request after s", "first look-up after s", "peak MiB"]
    table.show(f"Continuing a run of {rows} rows", head, [line])


def watch(outcome: Path, child: subprocess.Popen, enough: int) -> int:
    """Waits until so many rows have ended; counts each byte of the outcome file once."""
    while not outcome.exists() and child.poll() is None:
        time.sleep(0.1)
    lines = -1
    with outcome.open("rb") as growing:
        while lines < enough and child.poll() is None:
            lines += growing.read().count(b"\n")
            time.sleep(0.05)
    return lines
