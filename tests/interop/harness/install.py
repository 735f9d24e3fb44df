"""Pinned software by others, in a folder that is kept between runs: from PyPI, npm and Debian."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent
FOLDER = ROOT / "target" / "interop"
PYTHON = FOLDER / "venv" / "bin" / "python"
PACKAGES = FOLDER / "npm"
TOOLS = {"nginx": "nginx-light", "squid": "squid", "node": "nodejs", "npm": "npm"}


class NotInstalled(Exception):
    """A registry cannot be reached, or has not what is wanted."""


def everything() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    tools()
    from_pypi()
    from_npm()


def call(*command: object, **how) -> None:
    try:
        subprocess.run([str(part) for part in command], check=True, stdout=sys.stderr, timeout=600, **how)
    except (subprocess.SubprocessError, OSError) as error:
        raise NotInstalled(f"{command[0]} failed: {error}") from error


def path() -> str:
    """Where Debian puts servers is not in everybody's PATH."""
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def tools() -> None:
    missing = {package for tool, package in TOOLS.items() if not shutil.which(tool, path=path())}
    missing |= set() if importlib.util.find_spec("ensurepip") else {"python3-venv"}
    if not missing:
        return
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # The packages' own services are of no use here, and would take ports.
    served = Path("/run/systemd/system").exists()
    call(*sudo, "apt-get", "update", "-qq")
    call(*sudo, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *sorted(missing), env=quiet)
    for service in [name for name in ("nginx-light", "squid") if served and name in missing]:
        subprocess.run([*sudo, "systemctl", "disable", "--now", service.removesuffix("-light")], stdout=sys.stderr)


def from_pypi() -> None:
    wanted, stamp = HERE / "requirements.txt", FOLDER / "venv" / "installed.txt"
    if is_there(stamp, wanted):
        return
    call(sys.executable, "-m", "venv", "--clear", FOLDER / "venv")
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check"]
    call(*pip, "-r", wanted)
    stamp.write_text(wanted.read_text())


def from_npm() -> None:
    wanted, stamp = HERE / "package-lock.json", PACKAGES / "installed.json"
    if is_there(stamp, wanted):
        return
    PACKAGES.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, PACKAGES / name)
    call("npm", "ci", "--silent", "--ignore-scripts", cwd=PACKAGES)
    stamp.write_text(wanted.read_text())


def is_there(stamp: Path, wanted: Path) -> bool:
    return stamp.exists() and stamp.read_text() == wanted.read_text()


def program() -> Path:
    """Our binary: the one that was named, or a fresh one."""
    if named := os.environ.get("SCIM_REKEY_BIN"):
        return Path(named).resolve()
    subprocess.run(["cargo", "build", "--quiet"], cwd=ROOT, check=True)
    return ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug" / "scim-rekey"
