"""How close to the limit, and how seldom over it."""

import csv
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import measure, table, users
from .ours import Program
from .rehearsal import Sandbox

RATE, LATENCY_MS, ROWS = 100, 50, 2_000


@dataclass
class Paced:
    rows: int
    wall_s: float
    requests: int
    refused: int
    busiest: int

    def share_used(self, limit: int) -> float:
        return (self.requests - self.refused) / (self.wall_s * limit)


def pace(program: Program, folder: Path) -> None:
    flags = ["--rate", f"{RATE}/s"]
    lines = []
    for name, limit in (("has no limit", None), ("allows as much as was told", RATE)):
        seen = paced(program, folder, ROWS, limit, flags)
        ideal = table.target(seen.wall_s / (seen.requests / RATE), 1.01, False, "{:.3f}")
        refused = table.target(seen.refused, 0, False, "{:.0f}")
        lines.append([name, ideal, refused, table.target(seen.busiest, RATE + RATE // 10, False, "{:.0f}")])
    head = ["the service", "wall / (requests / rate)", "429s", "busiest second (a tenth of it is burst)"]
    table.show(f"Pace: told --rate {RATE}/s, {LATENCY_MS} ms, {ROWS} rows", head, lines)
    untold(program, folder)
    tokens(program, folder)


def untold(program: Program, folder: Path) -> None:
    lines = []
    wishes = {"--rate 200/s": ["--rate", f"{2 * RATE}/s"], "--rate unlimited": ["--rate", "unlimited"]}
    if knows(program, "--rate", "auto"):
        wishes["--rate auto"] = ["--rate", "auto"]
    for name, flags in wishes.items():
        seen = paced(program, folder, ROWS, RATE, flags)
        share = table.target(seen.share_used(RATE), 0.95, True, "{:.3f}")
        refused = table.target(seen.refused / seen.requests, 0.02, False, "{:.4f}")
        lines.append([name, share, refused, f"{seen.wall_s:.1f}"])
    head = ["told", "share of the limit used", "share answered 429", "wall s"]
    table.show(f"Pace: a limit of {RATE}/s that nobody told, {LATENCY_MS} ms, {ROWS} rows", head, lines)


def tokens(program: Program, folder: Path) -> None:
    if not knows(program, "--tokens"):
        print("\nTokens: skipped, this binary does not know --tokens.")
        return
    limit, lines, rate = 25, [], {}
    for count, rows in ((1, 500), (4, 2_000)):
        flags = ["--rate", f"{limit}/s", "--tokens", str(count), "--concurrency", "64"]
        seen = paced(program, folder, rows, limit, flags)
        rate[count] = seen.rows / seen.wall_s
        gain = table.target(rate[count] / rate[1], 3.9, True) if count > 1 else "1.00"
        lines.append([str(count), f"{rate[count]:.2f}", gain, str(seen.refused)])
    table.show(f"Tokens: a limit of {limit}/s for each", ["tokens", "rows/s", "against one", "429s"], lines)


def paced(program: Program, folder: Path, rows: int, limit: int | None, flags: list[str]) -> Paced:
    """A run against a sandbox that allows each token so many requests a second, or any number."""
    file = users.write(folder / "users.csv", rows)
    program.fresh()
    with Sandbox(program.binary, folder, limit, LATENCY_MS) as sandbox:
        env = program.environment("", "") | sandbox.environment
        sample = measure.run(program.run(file, *flags), env)
        seen = sandbox.requests()
    if sample.code != 0 or updated(program.outcome) != rows:
        raise SystemExit(f"the run with {' '.join(flags)} ended with {sample.code}: {sample.output.strip()[-500:]}")
    program.fresh()
    refused = sum(request["status"] == 429 for request in seen)
    moments = [request["at_ms"] for request in seen]
    return Paced(rows, sample.wall_s, len(seen), refused, busiest_second(moments))


def updated(outcome: Path) -> int:
    with outcome.open(newline="") as lines:
        return sum(line["outcome"] == "updated" for line in csv.DictReader(lines))


def busiest_second(moments: list[int]) -> int:
    """The most that any window of one second holds."""
    most, first = 0, 0
    for last, moment in enumerate(moments):
        while moments[first] <= moment - 1000:
            first += 1
        most = max(most, last - first + 1)
    return most


def knows(program: Program, flag: str, value: str = "") -> bool:
    shown = subprocess.run([program.binary, "run", "--help"], capture_output=True, text=True).stdout
    line = shown.partition(flag)[2][:300]
    return bool(line) and value in line.partition("\n\n")[0]
