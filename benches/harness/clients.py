"""Who is measured, and how each is started: all do the same job with the same file at the same service."""

import re
import sys
from pathlib import Path

from . import measure
from .judge import judge
from .measure import Sample
from .ours import CONCURRENCY, Program
from .service import BENCHES, Nginx

WRK_SECONDS = 5


class Ours:
    name = f"scim-rekey, {CONCURRENCY} in flight"

    def __init__(self, program: Program):
        self.program = program

    def run(self, nginx: Nginx, file: Path, rows: int) -> Sample:
        self.program.fresh()
        env = self.program.environment(nginx.base, nginx.token_url)
        sample = measure.run(self.program.flat_out(file), env)
        judge(self.name, sample, self.program.outcome, rows)
        self.program.fresh()
        sample.rows = rows
        return sample


class Script:
    """A peer that writes an outcome file."""

    def __init__(self, name: str, python: Path, script: str, folder: Path):
        self.name, self.outcome = name, folder / "peer.csv"
        self.command = [python, BENCHES / "peers" / script]

    def run(self, nginx: Nginx, file: Path, rows: int) -> Sample:
        sample = measure.run([*self.command, file, nginx.base, nginx.token_url, self.outcome])
        judge(self.name, sample, self.outcome, rows)
        self.outcome.unlink()
        sample.rows = rows
        return sample


class Wrk:
    """The ceiling: requests only, nothing done with the answers. One row is two requests."""

    name = "wrk, 64 connections"

    def run(self, nginx: Nginx, _file: Path, _rows: int) -> Sample:
        script = BENCHES / "peers" / "wrk.lua"
        host = nginx.base.removesuffix("/scim/v2")
        sample = measure.run(["wrk", "-t1", "-c64", f"-d{WRK_SECONDS}s", "-s", script, host])
        done = re.search(r"requests=(\d+) us=(\d+) errors=(\d+)", sample.output)
        if sample.code != 0 or not done or done[3] != "0":
            sys.exit(f"wrk did not do the job: {sample.output.strip()[-500:]}")
        sample.rows, sample.wall_s = int(done[1]) // 2, int(done[2]) / 1e6
        return sample
