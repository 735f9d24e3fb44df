"""Raw speed: a service that is not the bottleneck, client and service on a core each, everybody in turn."""

from pathlib import Path

from . import setup, table, users
from .clients import Ours, Script, Wrk
from .measure import Sample, median, quietly
from .ours import Program
from .service import Nginx


def speed(program: Program, folder: Path, rows: int, rounds: int) -> None:
    file = users.write(folder / "users.csv", rows)
    python = setup.peers()
    ours, wrk = Ours(program), Wrk()
    aiohttp = Script("aiohttp + uvloop, 64 in flight", python, "aiohttp_client.py", folder)
    tutorial = Script("the tutorial's loop (httpx)", python, "tutorial.py", folder)
    clients = [ours, aiohttp, tutorial, wrk]
    samples: dict[object, list[Sample]] = {client: [] for client in clients}
    with Nginx(folder) as nginx:
        for _ in range(rounds):
            for client in clients:
                run = lambda client=client: client.run(nginx, file, rows)  # noqa: E731
                samples[client].append(quietly(run, nginx.cpu_seconds))
    rate = {client: median(samples[client], lambda s: s.rows_per_s) for client in clients}
    lines = [line(client.name, rate[client], rate[ours], samples[client]) for client in clients]
    table.show(f"Speed: {rows} rows, {rounds} rounds in turn, medians", HEAD, lines)
    print(f"\n- against aiohttp: {table.target(rate[ours] / rate[aiohttp], 5, True)}")
    print(f"- against the tutorial's loop: {table.target(rate[ours] / rate[tutorial], 25, True)}")
    print(f"- share of what wrk reaches: {table.target(rate[ours] / rate[wrk], 0.33, True)}")
    cpu = median(samples[ours], lambda s: s.cpu_us)
    print(f"- µs of CPU a row: {table.target(cpu, 60, False, '{:.1f}')}")


HEAD = ["client", "rows/s", "of which lowest to highest", "µs CPU a row", "peak MiB", "ours is", "others' cores"]


def line(name: str, rate: float, ours: float, samples: list[Sample]) -> list[str]:
    rates = sorted(sample.rows_per_s for sample in samples)
    return [
        name,
        f"{rate:.0f}",
        f"{rates[0]:.0f} to {rates[-1]:.0f}",
        f"{median(samples, lambda s: s.cpu_us):.1f}",
        f"{median(samples, lambda s: s.peak_mib):.1f}",
        f"{ours / rate:.2f} x",
        f"{max(sample.others for sample in samples):.2f}",
    ]
