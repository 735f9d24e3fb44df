"""What all cases share: a folder, the authority that gives tokens, and the program."""

import json
import shutil
import tempfile
import urllib.request
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from joserfc.jwk import ECKey

from . import install, servers
from .people import People
from .rekey import SECRET, Rekey

# Who may have a token: how it must show who it is, how long a token lives, and how long it says it does.
CLIENTS = {
    "basic": {"method": "client_secret_basic", "life_s": 3600, "told_s": 3600},
    "body": {"method": "client_secret_post", "life_s": 3600, "told_s": 3600},
    # It is renewed a minute before its end.
    "short": {"method": "client_secret_basic", "life_s": 62, "told_s": 62},
    "revoked": {"method": "client_secret_basic", "life_s": 3, "told_s": 3600},
}


class Shared:
    """Servers that several cases use: the first starts them, and they run until all is over."""

    def __init__(self, folder: Path, stack: ExitStack):
        self.folder, self.stack, self.running = folder, stack, {}

    def get(self, name: str, start):
        if name not in self.running:
            self.running[name] = self.stack.enter_context(start())
        return self.running[name]


@dataclass
class Stage:
    program: Path
    folder: Path
    authority: str
    shared: Shared

    @property
    def token_url(self) -> str:
        return f"{self.authority}/oauth/token"

    def begin(self, name: str) -> "Stage":
        """The same with a folder of its own."""
        folder = self.folder / name
        folder.mkdir()
        for file in ("key.json", "clients.json"):
            shutil.copy(self.folder / file, folder)
        return Stage(self.program, folder, self.authority, self.shared)

    def token_requests(self) -> list[dict]:
        """All of this whole run."""
        log = self.shared.folder / "requests.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    @contextmanager
    def strict(self, people: People, habit: str = ""):
        self.put(people)
        with servers.gunicorn("scim2-server", self.folder, "strict:service()", INTEROP_HABIT=habit) as base:
            yield Service(base, self.rekey(f"{base}/v2"))

    @contextmanager
    def scimmy(self, people: People, habit: str = ""):
        self.put(people)
        with servers.scimmy(self.folder, habit) as base:
            yield Service(base, self.rekey(f"{base}/scim/v2"))

    def rekey(self, scim: str, token: str = "", client: str = "basic") -> Rekey:
        return Rekey(self.program, self.folder, scim, token or self.token_url, client)

    def put(self, people: People) -> None:
        (self.folder / "accounts.json").write_text(json.dumps(people.accounts))
        shutil.copy(servers.SERVERS / "mfa.json", self.folder)


@dataclass
class Service:
    """A foreign SCIM service that runs."""

    base: str
    rekey: Rekey

    def users(self) -> list[dict]:
        """Its own data, passwords included."""
        return self.ask("_data")

    def answers(self) -> dict[str, int]:
        """How often it answered what: `PATCH 204`."""
        return self.ask("_answers")

    def ask(self, name: str):
        with urllib.request.urlopen(f"{self.base}/{name}", timeout=10) as reply:
            return json.load(reply)


@contextmanager
def stages(program: Path, keep: bool):
    work = install.FOLDER / "work"
    work.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=work))
    try:
        key = ECKey.generate_key("P-256", private=True, parameters={"kid": "1"})
        (folder / "key.json").write_text(json.dumps(key.as_dict(private=True)))
        clients = {name: {**terms, "secret": SECRET} for name, terms in CLIENTS.items()}
        (folder / "clients.json").write_text(json.dumps(clients))
        with servers.gunicorn("authority", folder, "authority:app") as base, ExitStack() as stack:
            yield Stage(program, folder, base, Shared(folder, stack))
    finally:
        if keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
