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
class Kind:
    """A server of nginx, by its certificate, what it speaks, and what the program says of it."""

    certificate: str = "good"
    listen: str = ""
    protocols: str = MODERN
    words: str = ""


GOOD = {"http1": Kind(), "http2": Kind(listen="http2")}
SPOKEN = {"http1": "HTTP/1.1", "http2": "HTTP/2.0"}
BAD = {
    "expired": Kind("expired", words="certificate expired"),
    "early": Kind("early", words="certificate not valid yet"),
    "alone": Kind("alone", words="UnknownIssuer"),
    "other": Kind("other", words="not valid for name"),
    "ancient": Kind(protocols=OLD, words="ProtocolVersion"),
}


@dataclass
class Front:
    """nginx with TLS, in front of the service and of the authority."""

    service: Service
    ports: dict[str, int]
    root: Path
    log: Path

    def base(self, name: str, host: str = "127.0.0.1") -> str:
        return f"https://{host}:{self.ports[name]}"

    def lines(self, name: str, least: int = 0) -> list[str]:
        """What came through TLS on this server, once there are so many. nginx writes after it has answered."""

        def there() -> list[str]:
            return [line for line in self.log.read_text().splitlines() if line.split()[1] == name]

        servers.until(lambda: len(there()) >= least, "nothing came through", 10)
        return there()


def front(stage: Stage) -> Front:
    return stage.shared.get("front", lambda: started(stage))


@contextmanager
def started(stage: Stage) -> Iterator[Front]:
    root = Authority(stage.folder)
    root.leaf("good", HOSTS)
    root.leaf("expired", HOSTS, days=(-20, -1))
    root.leaf("early", HOSTS, days=(1, 20))
    root.leaf("other", ["other.example.test"])
    root.leaf("alone", HOSTS, by_itself=True)
    kinds = {**GOOD, **BAD}
    ports = {name: servers.free_port() for name in kinds}
    log = stage.folder / "access.log"
    with stage.strict(few(NAMES)) as service:
        blocks = [block(stage, service, name, ports[name], kind) for name, kind in kinds.items()]
        with servers.nginx(stage.folder, "".join(blocks), list(ports.values()), f"access_log {log} story;"):
            yield Front(service, ports, root.file, log)


def block(stage: Stage, service: Service, name: str, port: int, kind: Kind) -> str:
    return f"""
    server {{
        listen 127.0.0.1:{port} ssl {kind.listen};
        server_name {name};
        ssl_certificate {stage.folder}/{kind.certificate}.pem;
        ssl_certificate_key {stage.folder}/{kind.certificate}.key;
        {kind.protocols}
        location /v2/ {{ proxy_pass {service.base}; }}
        location /oauth/ {{ proxy_pass {stage.authority}; }}
    }}"""


def good(stage: Stage, name: str) -> str:
    rows, there = few(NAMES).rows, front(stage)
    before, base = there.service.users(), there.base(name)
    rekey = stage.rekey(f"{base}/v2", f"{base}/oauth/token")
    run = rekey.run("first", rows, "--ca-file", str(there.root))
    demand(run.code == 0, f"exit code {run.code}: {run.words}")
    judge(run, rows, before, there.service.users())
    spoken = {line.split()[2] for line in there.lines(name, 1)}
    demand(spoken == {SPOKEN[name]}, f"{spoken} was spoken")
    unknown = rekey.run("without", rows)
    demand(unknown.code == 78, f"without --ca-file: exit code {unknown.code}: {unknown.words}")
    return f"updated over {SPOKEN[name]} with `--ca-file`; 78 without it"


def bad(stage: Stage, name: str) -> str:
    """At the service and at the token endpoint: nothing of HTTP comes through."""
    rows, there = few(NAMES[:5]).rows, front(stage)
    before, came, base = there.service.users(), len(there.lines(name)), there.base(name)
    for what, scim, token in [
        ("scim", f"{base}/v2", stage.token_url),
        ("token", f"{there.service.base}/v2", f"{base}/oauth/token"),
    ]:
        run = stage.rekey(scim, token).run(what, rows, "--ca-file", str(there.root))
        demand(run.code == 78, f"{what}: exit code {run.code}: {run.words}")
        demand(BAD[name].words in run.words, f"{what}: {run.words}")
    demand(there.service.users() == before, "somebody changed")
    demand(careless(base), "nobody can be reached there at all")
    # The one line is that of the client that checks nothing.
    lines = there.lines(name, came + 1)[came:]
    demand(len(lines) == 1, f"this came through: {lines}")
    return "exit code 78; nothing was sent"


def careless(base: str) -> bool:
    """Whether a client that checks nothing gets an answer: then it is the certificate that stopped ours."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with urllib.request.urlopen(f"{base}/v2/ServiceProviderConfig", context=context, timeout=10) as reply:
        return reply.status == 200


CASES = [
    Case("nginx, TLS", "http/1.1", lambda stage: good(stage, "http1")),
    Case("nginx, TLS", "h2", lambda stage: good(stage, "http2")),
    Case("nginx, TLS", "expired", lambda stage: bad(stage, "expired")),
    Case("nginx, TLS", "not valid yet", lambda stage: bad(stage, "early")),
    Case("nginx, TLS", "self-signed", lambda stage: bad(stage, "alone")),
    Case("nginx, TLS", "another host", lambda stage: bad(stage, "other")),
    Case("nginx, TLS", "TLS 1.0 and 1.1 only", lambda stage: bad(stage, "ancient")),
]
