"""What grows with the input, and what does not."""

import time
from pathlib import Path

from . import measure, table, users
from .continued import continued
from .judge import judge
from .measure import Sample, median, quietly
from .ours import Program
from .service import Nginx

MILLION = 1_000_000


def memory(program: Program, folder: Path, long: bool) -> None:
    sizes = {1_000: 9, 10_000: 5, 100_000: 1} | ({MILLION: 1} if long else {})
    medians = {}
    with Nginx(folder) as nginx:
        for rows, runs in sizes.items():
            file = users.write(folder / "users.csv", rows)
            one = lambda file=file, rows=rows: flat_out(program, nginx, file, rows)  # noqa: E731
            medians[rows] = [quietly(one, nginx.cpu_seconds) for _ in range(runs)]
    cpu = {rows: median(samples, lambda s: s.cpu_us) for rows, samples in medians.items()}
    lines = [line(rows, samples, cpu) for rows, samples in medians.items()]
    head = ["rows", "peak MiB", "µs CPU a row", "against 1 000 rows", "rows/s", "others' cores"]
    table.show("Memory and cost of a run by its rows", head, lines)
    check(program, folder)
    if long:
        continued(program, folder, MILLION, 900_000)
    else:
        print("\nWith --long: a run of 1 000 000 rows, and one that is continued at 900 000.")


def flat_out(program: Program, nginx: Nginx, file: Path, rows: int) -> Sample:
    program.fresh()
    sample = measure.run(program.flat_out(file), program.environment(nginx.base, nginx.token_url))
    judge("scim-rekey", sample, program.outcome, rows)
    program.fresh()
    sample.rows = rows
    return sample


def line(rows: int, samples: list[Sample], cpu: dict[int, float]) -> list[str]:
    return [
        str(rows),
        table.target(median(samples, lambda s: s.peak_mib), 24, False, "{:.1f}"),
        f"{cpu[rows]:.1f}",
        table.target(cpu[rows] / cpu[1_000], 1.1, False),
        f"{median(samples, lambda s: s.rows_per_s):.0f}",
        f"{max(sample.others for sample in samples):.2f}",
    ]


def check(program: Program, folder: Path) -> None:
    file = users.write(folder / "users.csv", MILLION)
    time.sleep(1)
    samples = [quietly(lambda: measure.run([program.binary, "check", file]), lambda: 0.0) for _ in range(3)]
    wrong = [sample for sample in samples if sample.code != 0]
    if wrong:
        raise SystemExit(f"check ended with {wrong[0].code}: {wrong[0].output}")
    lines = [
        [
            table.target(median(samples, lambda s: s.wall_s), 5, False),
            table.target(median(samples, lambda s: s.peak_mib), 64, False, "{:.1f}"),
            f"{max(sample.others for sample in samples):.2f}",
        ]
    ]
    table.show(f"check of {MILLION} rows", ["seconds", "peak MiB", "others' cores"], lines)
