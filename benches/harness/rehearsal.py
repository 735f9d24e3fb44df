"""Our own sandbox as the service: it answers late where that is asked for, has a limit for each token, and tells
afterwards what it saw."""

import json
import subprocess
import urllib.request
from pathlib import Path

from .service import SERVER_CORE


class Sandbox:
    """Runs as long as the block lasts."""

    def __init__(self, binary: Path, folder: Path, limit: int | None, wait_ms: int):
        script = folder / "faults.json"
        script.write_text(json.dumps({"faults": [{"on": "any", "times": None, "do": {"wait_ms": wait_ms}}]}))
        limited = ["--limit", f"{limit}/s"] if limit else []
        self.command = [str(binary), "sandbox", "--faults", str(script), *limited]

    def __enter__(self) -> "Sandbox":
        line = ["taskset", "-c", str(SERVER_CORE), *self.command]
        self.process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
        told = {}
        for _ in range(5):
            name, _, value = self.process.stdout.readline().strip().partition("=")
            told[name] = value
        self.environment = {name: value for name, value in told.items() if name.startswith("GENESYS")}
        self.base = self.environment["GENESYS_SCIM_URL"].split("/", 3)[:3]
        return self

    def __exit__(self, *_) -> None:
        self.process.terminate()
        self.process.wait(5)

    def requests(self) -> list[dict]:
        """Every request but those for tokens, in order of arrival."""
        with urllib.request.urlopen("/".join(self.base) + "/_sandbox/requests") as answer:
            return [seen for seen in json.load(answer) if seen["kind"] != "token"]
