"""Starts a server on a free port of loopback and ends it by its process id."""

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from .install import HERE, PACKAGES, PYTHON, path

SERVERS = HERE / "servers"
TAKEN = set()


def free_port() -> int:
    """Below the ports that outgoing connections take, so that none of those comes in between."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in TAKEN:
            TAKEN.add(port)
            return port


def until(holds, otherwise: str, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise RuntimeError(otherwise)
        time.sleep(0.02)


def answers(port: int, process: subprocess.Popen) -> bool:
    if process.poll() is not None:
        raise RuntimeError("it ended at once")
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@contextmanager
def running(name: str, folder: Path, ports: list[int], command: list, **environment: str):
    """Runs as long as the block lasts. What it says is in NAME.log."""
    log = folder / f"{name}.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd=folder,
            env={**os.environ, "PATH": path(), "PYTHONDONTWRITEBYTECODE": "1", **environment},
        )
    try:
        for port in ports:
            until(lambda: answers(port, process), f"no server came up on port {port}")
        yield process
    except RuntimeError as error:
        raise RuntimeError(f"{name}: {error}\n{log.read_text()[-2000:]}") from None
    finally:
        end(process)


def end(process: subprocess.Popen) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def gunicorn(name: str, folder: Path, application: str, **environment: str):
    """A WSGI application of servers/, with connections that are kept. Yields its address."""
    port = free_port()
    command = [PYTHON, "-m", "gunicorn", "--no-control-socket", "--bind", f"127.0.0.1:{port}"]
    command += ["--chdir", SERVERS, "--threads", "8", "--keep-alive", "30", "--preload", application]
    environment |= {"INTEROP_FOLDER": str(folder), "AUTHLIB_INSECURE_TRANSPORT": "1"}
    with running(name, folder, [port], command, **environment):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def scimmy(folder: Path, habit: str):
    port = free_port()
    with running("scimmy", folder, [port], ["node", SERVERS / "scimmy.mjs", folder, PACKAGES, port, habit]):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def nginx(folder: Path, servers: str, ports: list[int], http: str = "access_log off;"):
    """With these server blocks; what it was asked is in access.log."""
    text = (SERVERS / "nginx.conf").read_text()
    text = text.replace("@SERVERS@", servers).replace("@HTTP@", http).replace("@FOLDER@", str(folder))
    if os.geteuid() == 0:
        text = "user root;\n" + text
    (folder / "nginx.conf").write_text(text)
    with running("nginx", folder, ports, ["nginx", "-e", "stderr", "-p", folder, "-c", folder / "nginx.conf"]):
        yield


@contextmanager
def squid(folder: Path, host: str):
    """A proxy that knows this one host and takes nothing but CONNECT. Yields its address; once it has ended,
    what it was asked is in proxy.log.

    It refuses to be root, and then needs a folder that another user can reach."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="interop-") as home:
        text = (SERVERS / "squid.conf").read_text().replace("@FOLDER@", home).replace("@PORT@", str(port))
        Path(home, "squid.conf").write_text(text)
        Path(home, "hosts").write_text(f"127.0.0.1 {host}\n")
        if os.geteuid() == 0:
            shutil.chown(home, "proxy")
        command = ["squid", "-N", "-f", f"{home}/squid.conf", "-n", f"interop{port}"]
        with running("squid", folder, [port], command):
            yield f"http://127.0.0.1:{port}"
        shutil.copy(Path(home, "proxy.log"), folder)
