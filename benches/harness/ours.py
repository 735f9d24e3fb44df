"""Our binary, as it is used: every row's intent on disk before its PATCH, outcome file, summary."""

import os
import shutil
from pathlib import Path

# Best of 16, 64, 128 and 256 where the service answers at once; docs/performance.md has the figures.
CONCURRENCY = 128
CLIENT = {"GENESYS_CLIENT_ID": "benchmark", "GENESYS_CLIENT_SECRET": "not-a-secret-of-anything"}


class Program:
    """A run folder of its own for every run, removed when the next one begins."""

    def __init__(self, binary: Path, folder: Path):
        self.binary, self.run_dir = binary, folder / "run"

    def environment(self, scim_url: str, token_url: str) -> dict:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("GENESYS")}
        return {**clean, **CLIENT, "GENESYS_SCIM_URL": scim_url, "GENESYS_TOKEN_URL": token_url}

    def fresh(self) -> None:
        shutil.rmtree(self.run_dir, ignore_errors=True)

    def run(self, users: Path, *flags: str) -> list:
        return [self.binary, "run", users, "--run-dir", self.run_dir, "--lookup", "filter", *flags]

    def flat_out(self, users: Path, concurrency: int = CONCURRENCY) -> list:
        return self.run(users, "--rate", "unlimited", "--concurrency", str(concurrency))

    @property
    def outcome(self) -> Path:
        return self.run_dir / "outcome.csv"
