"""nginx with its own configuration, one worker on core 0, on a free port of loopback."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

BENCHES = Path(__file__).resolve().parent.parent
SERVER_CORE = 0
CLIENT_CORE = 1


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port: int, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)


class Nginx:
    """Runs as long as the block lasts; only the process that was started here is ended."""

    def __init__(self, folder: Path, log: bool = False, port: int | None = None):
        self.folder = folder / "nginx"
        self.port = port or free_port()
        self.log = "access.log moments" if log else "off"

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}/scim/v2"

    @property
    def token_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/oauth/token"

    def __enter__(self) -> "Nginx":
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        text = (BENCHES / "nginx.conf").read_text()
        text = text.replace("@FOLDER@", str(self.folder)).replace("@PORT@", str(self.port))
        text = text.replace("@LOG@", self.log.replace("access.log", str(self.folder / "access.log")))
        if os.geteuid() == 0:
            text = "user root;\n" + text
        config = self.folder / "nginx.conf"
        config.write_text(text)
        self.process = subprocess.Popen(
            ["taskset", "-c", str(SERVER_CORE), "nginx", "-e", "stderr", "-c", str(config)]
        )
        wait_for(self.port)
        return self

    def __exit__(self, *_) -> None:
        self.process.send_signal(signal.SIGQUIT)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            self.process.wait(5)

    def moments(self) -> list[tuple[float, str]]:
        """When each request was answered, in seconds since 1970, and its path."""
        lines = (self.folder / "access.log").read_text().splitlines()
        return [(float(at), path) for at, path in (line.split() for line in lines)]

    def cpu_seconds(self) -> float:
        """What the worker has used, user and system."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return sum(cpu_of(int(child)) for child in children)


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
