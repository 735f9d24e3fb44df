"""One run of one client, on its own core: wall, CPU, peak memory."""

import os
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from typing import Callable

from .machine import Others
from .service import CLIENT_CORE

# Cores that others may use. Above that a measurement waits, and is taken again a few times, until this patience
# is at an end for all measurements together.
QUIET, TRIES = 0.2, 3
patience_s = 120.0


@dataclass
class Sample:
    wall_s: float
    cpu_s: float
    peak_mib: float
    code: int
    output: str
    others: float = 0.0
    rows: int = 0

    @property
    def rows_per_s(self) -> float:
        return self.rows / self.wall_s

    @property
    def cpu_us(self) -> float:
        return self.cpu_s / self.rows * 1e6


def run(command: list, env: dict | None = None) -> Sample:
    """GNU time lies between, because a child's peak begins at that of the process that started it: it is small."""
    with tempfile.TemporaryFile("w+") as output, tempfile.NamedTemporaryFile("r") as peak:
        line = ["taskset", "-c", str(CLIENT_CORE), "time", "-q", "-o", peak.name, "-f", "%M", *map(str, command)]
        start = time.monotonic()
        child = subprocess.Popen(line, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **(env or {})})
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        mib = int(peak.read().split()[-1]) / 1024
        return Sample(wall, usage.ru_utime + usage.ru_stime, mib, child.returncode, output.read())


def quietly(measure: Callable[[], Sample], server_cpu: Callable[[], float]) -> Sample:
    """The least disturbed of a few tries; the first that is undisturbed."""
    tries = []
    for _ in range(TRIES):
        wait_for_quiet()
        others, server = Others(), server_cpu()
        sample = measure()
        sample.others = others.cores(sample.cpu_s + server_cpu() - server)
        tries.append(sample)
        if sample.others < QUIET or patience_s <= 0:
            break
    return min(tries, key=lambda sample: sample.others)


def wait_for_quiet() -> None:
    global patience_s
    while patience_s > 0:
        others, start = Others(), time.monotonic()
        time.sleep(0.3)
        if others.cores(0) < QUIET:
            return
        patience_s -= time.monotonic() - start


def median(samples: list[Sample], value: Callable[[Sample], float]) -> float:
    return statistics.median(map(value, samples))
