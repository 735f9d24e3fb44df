"""The sandbox as a process, and a foreign HTTP client that is known to it."""

import json
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass

from httpx2 import Client, Response

from . import servers
from .stage import Stage


@dataclass
class Sandbox:
    scim: str
    token: str
    environment: dict[str, str]

    @property
    def base(self) -> str:
        return self.scim.removesuffix("/api/v2/scim/v2")

    def control(self, name: str, body: object = None):
        """What the sandbox tells about itself."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.base}/_sandbox/{name}", data, headers)
        with urllib.request.urlopen(request, timeout=10) as reply:
            return json.load(reply)

    def client(self) -> Client:
        """With a token, got by httpx2 itself."""
        who = (self.environment["GENESYS_CLIENT_ID"], self.environment["GENESYS_CLIENT_SECRET"])
        with Client() as client:
            token = client.post(self.token, auth=who, data={"grant_type": "client_credentials"}).json()
        headers = {"Authorization": f"Bearer {token['access_token']}"}
        return Furnished(self, base_url=self.scim, headers=headers)


class Furnished(Client):
    """Creates and deletes accounts by the back door: those the program never asks for have no front door."""

    def __init__(self, sandbox: Sandbox, **how):
        super().__init__(**how)
        self.sandbox = sandbox

    def request(self, method, url, **how):
        if method == "POST" and str(url).strip("/").endswith("Users"):
            return self.created(how["json"])
        if method == "DELETE" and "/Users/" in f"/{url}":
            return Response(204)
        reply = super().request(method, url, **how)
        if method == "GET" and "Schemas" in str(url):
            # scim2-tester makes up text where a schema asks for a decimal.
            whole = reply.text.replace('"decimal"', '"integer"')
            return Response(reply.status_code, headers={"Content-Type": reply.headers["Content-Type"]}, text=whole)
        return reply

    def created(self, user: dict) -> Response:
        own = {"user_name": user.pop("userName"), "active": user.pop("active", True)}
        own["mfa"] = user.pop("mfaSettings", None)
        own["password"] = user.pop("password", None)
        kept = {name: value for name, value in user.items() if name not in ("schemas", "id", "meta")}
        added = self.sandbox.control("users", {**own, "attributes": kept})
        reply = super().request("GET", f"Users/{added['ids'][0]}")
        reply.status_code = 201
        return reply


@contextmanager
def sandbox(stage: Stage):
    port = servers.free_port()
    log = stage.folder / "sandbox.log"
    with servers.running("sandbox", stage.folder, [port], [stage.program, "sandbox", "--port", port]):
        servers.until(lambda: "_sandbox/truth" in log.read_text(), "the sandbox does not say where it is")
        lines = [line.partition("=") for line in log.read_text().splitlines() if "=" in line]
        environment = {name: value for name, _, value in lines}
        yield Sandbox(environment["GENESYS_SCIM_URL"], environment["GENESYS_TOKEN_URL"], environment)
