"""What a fresh Debian lacks: nginx, wrk and GNU time from apt, the peers from PyPI, our own release binary."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "target" / "bench"
REQUIREMENTS = ROOT / "benches" / "peers" / "requirements.txt"
TOOLS = {"nginx": "nginx-light", "wrk": "wrk", "time": "time", "taskset": "util-linux"}


def tools() -> None:
    missing = [package for tool, package in TOOLS.items() if not shutil.which(tool)]
    if not missing:
        return
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # The package's own service is of no use here, and would take port 80.
    served = Path("/run/systemd/system").exists() and not shutil.which("nginx")
    subprocess.run([*sudo, "apt-get", "update", "-qq"], check=True, stdout=sys.stderr)
    subprocess.run([*sudo, "apt-get", "install", "-y", "-qq", *missing], check=True, stdout=sys.stderr, env=quiet)
    if served:
        subprocess.run([*sudo, "systemctl", "disable", "--now", "nginx"], stdout=sys.stderr)


def peers() -> Path:
    """The Python that has the peers' packages."""
    venv = FOLDER / "venv"
    python, stamp = venv / "bin" / "python", venv / "installed.txt"
    wanted = REQUIREMENTS.read_text()
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", str(REQUIREMENTS)], check=True, stdout=sys.stderr)
        stamp.write_text(wanted)
    return python


def program() -> Path:
    """Our binary, as it is released."""
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
    target = os.environ.get("CARGO_TARGET_DIR", "target")
    return ROOT / target / "release" / "scim-rekey"
