"""The machine, and what else it did meanwhile."""

import os
import platform
import time
from pathlib import Path


def describe() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown CPU")
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 2**20
    return f"{os.cpu_count()} cores of {model}, {memory:.1f} GiB, Linux {platform.release()}"


def busy_seconds() -> float:
    """What all cores together have worked since the machine was started."""
    user, nice, system, _idle, _wait, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


class Others:
    """How many cores were busy with something else than what was measured."""

    def __init__(self):
        self.start, self.busy = time.monotonic(), busy_seconds()

    def cores(self, ours: float) -> float:
        elapsed = time.monotonic() - self.start
        return max(0.0, busy_seconds() - self.busy - ours) / max(elapsed, 1e-9)
