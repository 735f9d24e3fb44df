"""From nothing to the first answer."""

import statistics
import subprocess
import time
from pathlib import Path

from . import measure, table, users
from .judge import judge
from .ours import Program
from .service import Nginx

ROWS, RUNS, HELPS = 10_000, 7, 100


def start(program: Program, folder: Path) -> None:
    measure.wait_for_quiet()
    helps = [help_ms(program.binary) for _ in range(HELPS)]
    token, lookup = zip(*[first_requests(program, folder) for _ in range(RUNS)])
    lines = [
        ["the end of --help", *bounded(helps, 10)],
        [f"first request ({ROWS} rows)", *bounded(token, 50)],
        ["first look-up", *bounded(lookup, 50)],
    ]
    table.show("Start: milliseconds after the process was started", ["until", "median", "longest"], lines)


def help_ms(binary: Path) -> float:
    began = time.monotonic()
    subprocess.run([binary, "--help"], stdout=subprocess.DEVNULL, check=True)
    return (time.monotonic() - began) * 1000


def bounded(moments: list | tuple, bound: float) -> list[str]:
    return [table.target(statistics.median(moments), bound, False, "{:.1f}"), f"{max(moments):.1f}"]


def first_requests(program: Program, folder: Path) -> tuple[float, float]:
    """Milliseconds until the token request and the first look-up were answered, by nginx's clock."""
    file = folder / "users.csv"
    if not file.exists() or sum(1 for _ in file.open()) != ROWS + 1:
        users.write(file, ROWS)
    with Nginx(folder, log=True) as nginx:
        program.fresh()
        env = program.environment(nginx.base, nginx.token_url)
        measure.wait_for_quiet()
        began = time.time()
        sample = measure.run(program.flat_out(file), env)
        judge("scim-rekey", sample, program.outcome, ROWS)
        moments = nginx.moments()
    program.fresh()
    lookup = next(at for at, path in moments if path.endswith("/Users"))
    return (moments[0][0] - began) * 1000, (lookup - began) * 1000
