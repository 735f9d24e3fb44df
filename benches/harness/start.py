"""From nothing to the first answer."""

import statistics
import time
from pathlib import Path

from . import measure, table, users
from .judge import judge
from .ours import Program
from .service import Nginx

ROWS, RUNS, HELPS = 10_000, 7, 100


def start(program: Program, folder: Path) -> None:
    measure.wait_for_quiet()
    helps = [measure.run([program.binary, "--help"]).wall_s * 1000 for _ in range(HELPS)]
    # Starting taskset and GNU time is no part of it.
    nothing = [measure.run(["true"]).wall_s * 1000 for _ in range(HELPS)]
    shown = statistics.median(helps) - statistics.median(nothing)
    token, lookup = zip(*[first_requests(program, folder) for _ in range(RUNS)])
    lines = [
        ["--help", table.target(shown, 10, False, "{:.1f}"), f"{max(helps) - statistics.median(nothing):.1f}"],
        [f"first request ({ROWS} rows)", *bounded(token)],
        ["first look-up", *bounded(lookup)],
    ]
    table.show("Start: milliseconds after the process was started", ["until", "median", "longest"], lines)


def bounded(moments: tuple) -> list[str]:
    return [table.target(statistics.median(moments), 50, False, "{:.1f}"), f"{max(moments):.1f}"]


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
