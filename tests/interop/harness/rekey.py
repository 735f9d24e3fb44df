"""Runs the real program, and reads what it left."""

import csv
import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from .people import Row, write

SECRET = "cl1ent+s3cret/with %signs: äö=&"


@dataclass
class Run:
    """A finished run."""

    code: int
    words: str
    folder: Path
    outcomes: list[dict] = field(default_factory=list)
    summary: dict = field(default_factory=dict)

    def by_email(self) -> dict[str, dict]:
        return {line["email"].removeprefix("'"): line for line in self.outcomes}


@dataclass
class Rekey:
    """The program with the service that it works with."""

    program: Path
    folder: Path
    scim: str
    token: str
    client: str = "basic"

    def run(self, name: str, rows: list[Row], *flags: str, secret: str = SECRET, **environment: str) -> Run:
        place = self.folder / name
        place.mkdir()
        users = place / "users.csv"
        write(rows, users)
        users.chmod(0o600)
        command = [self.program, "run", users, "--run-dir", place / "run", "--scim-url", self.scim]
        command += ["--token-url", self.token, "--client-id", self.client, "--rate", "unlimited", *flags]
        clean = {"GENESYS_CLIENT_SECRET": secret, "PATH": os.environ.get("PATH", ""), **environment}
        done = subprocess.run(command, capture_output=True, text=True, env=clean, timeout=100)
        return read(done.returncode, done.stdout + done.stderr, place / "run")


def read(code: int, words: str, folder: Path) -> Run:
    run = Run(code, words, folder)
    if (folder / "outcome.csv").exists():
        with (folder / "outcome.csv").open(newline="") as lines:
            run.outcomes = list(csv.DictReader(lines))
    if (folder / "summary.json").exists():
        run.summary = json.loads((folder / "summary.json").read_text())
    return run
