"""nginx as the end of TLS in front of scim2-server: good certificates, and bad ones."""

import ssl
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness import servers
from harness.case import Case
from harness.certs import Authority
from harness.judge import demand, judge
from harness.people import few
from harness.stage import Service, Stage

NAMES = [f"user{number}@example.com" for number in range(1, 41)]
# The name is that of a host elsewhere, which only a proxy finds.
FAR = "scim.example.test"
HOSTS = ["127.0.0.1", "localhost", FAR]
MODERN = "ssl_protocols TLSv1.2 TLSv1.3;"
OLD = "ssl_protocols TLSv1 TLSv1.1; ssl_ciphers ALL:@SECLEVEL=0;"


@dataclass
class Front:
    """nginx with TLS, in front of the service and of the authority."""

    service: Service
    ports: dict[str, int]
    root: Path
    log: Path

    def lines(self, name: str, least: int = 0) -> list[str]:
        """What came through TLS on this server, once there are so many. nginx writes after it has answered."""

        def there() -> list[str]:
            return [line for line in self.log.read_text().splitlines() if line.split()[1] == name]

        servers.until(lambda: len(there()) >= least, "nothing came through", 10)
        return there()


@contextmanager
def front(stage: Stage, kinds: dict[str, str]) -> Iterator[Front]:
    """A server of each kind, by its name and the settings of its TLS."""
    people = few(NAMES)
    root = Authority(stage.folder)
    root.leaf("good", HOSTS)
    root.leaf("expired", HOSTS, days=(-20, -1))
    root.leaf("early", HOSTS, days=(1, 20))
    root.leaf("other", ["other.example.test"])
    root.leaf("alone", HOSTS, by_itself=True)
    ports = {name: servers.free_port() for name in kinds}
    with stage.strict(people) as service:
        blocks = [block(stage, service, name, ports[name], kind) for name, kind in kinds.items()]
        log = stage.folder / "access.log"
        with servers.nginx(stage.folder, "".join(blocks), list(ports.values()), f"access_log {log} story;"):
            yield Front(service, ports, root.file, log)


def block(stage: Stage, service: Service, name: str, port: int, kind: str) -> str:
    certificate, listen, protocols = (part.strip() for part in kind.split("|"))
    return f"""
    server {{
        listen 127.0.0.1:{port} ssl {listen};
        server_name {name};
        ssl_certificate {stage.folder}/{certificate}.pem;
        ssl_certificate_key {stage.folder}/{certificate}.key;
        {protocols}
        location /v2/ {{ proxy_pass {service.base}; }}
        location /oauth/ {{ proxy_pass {stage.authority}; }}
    }}"""


def good(stage: Stage, kind: str, protocol: str) -> str:
    people = few(NAMES)
    with front(stage, {"good": kind}) as there:
        before = there.service.users()
        base = f"https://127.0.0.1:{there.ports['good']}"
        rekey = stage.rekey(f"{base}/v2", f"{base}/oauth/token")
        run = rekey.run("first", people.rows, "--ca-file", str(there.root))
        demand(run.code == 0, f"exit code {run.code}: {run.words}")
        judge(run, people.rows, before, there.service.users())
        spoken = {line.split()[2] for line in there.lines("good")}
        demand(spoken == {protocol}, f"{spoken} was spoken")
        unknown = rekey.run("without", people.rows)
        demand(unknown.code == 78, f"without --ca-file: exit code {unknown.code}: {unknown.words}")
    return f"updated over {protocol} with `--ca-file`; 78 without it"


BAD = {
    "expired": f"expired | | {MODERN}",
    "not valid yet": f"early | | {MODERN}",
    "self-signed": f"alone | | {MODERN}",
    "another host": f"other | | {MODERN}",
    "TLS 1.0 and 1.1 only": f"good | | {OLD}",
}


def bad(stage: Stage, kind: str) -> str:
    """At the service and at the token endpoint: nothing of HTTP comes through."""
    people = few(NAMES[:5])
    with front(stage, {"bad": BAD[kind]}) as there:
        before = there.service.users()
        base = f"https://127.0.0.1:{there.ports['bad']}"
        for name, scim, token in [
            ("scim", f"{base}/v2", stage.token_url),
            ("token", f"{there.service.base}/v2", f"{base}/oauth/token"),
        ]:
            run = stage.rekey(scim, token).run(name, people.rows, "--ca-file", str(there.root))
            demand(run.code == 78, f"{name}: exit code {run.code}: {run.words}")
            demand(said(run.words, kind), f"{name}: {run.words}")
        demand(there.service.users() == before, "somebody changed")
        demand(careless(base), "nobody can be reached there at all")
        # The one line is that of the client that checks nothing.
        demand(len(there.lines("bad", 1)) == 1, f"this came through: {there.lines('bad')}")
    return "exit code 78; nothing was sent"


def said(words: str, kind: str) -> bool:
    known = {
        "expired": "expired",
        "not valid yet": "not valid yet",
        "self-signed": "UnknownIssuer",
        "another host": "not valid for name",
        "TLS 1.0 and 1.1 only": "ProtocolVersion",
    }
    return known[kind].lower() in words.lower()


def careless(base: str) -> bool:
    """Whether a client that checks nothing gets an answer: then it is the certificate that stopped ours."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with urllib.request.urlopen(f"{base}/v2/ServiceProviderConfig", context=context, timeout=10) as reply:
        return reply.status == 200


CASES = [
    Case("nginx, TLS", "http/1.1", lambda stage: good(stage, f"good | | {MODERN}", "HTTP/1.1")),
    Case("nginx, TLS", "h2", lambda stage: good(stage, f"good | http2 | {MODERN}", "HTTP/2.0")),
    *(Case("nginx, TLS", kind, lambda stage, kind=kind: bad(stage, kind)) for kind in BAD),
]
