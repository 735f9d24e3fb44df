"""scim2-server with bearer tokens of the authority, and what a test has to see and to do besides.

- `GET /_data`: every resource, passwords included. `GET /_answers`: how often it answered what.
- Accounts whose name begins with "meddled" are changed by somebody else just before their first PATCH is
  served, "restless" before every one, and "renamed" get another name. To be served by gunicorn."""

import json
import os
from collections import Counter
from pathlib import Path

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from scim2_models import Attribute, Schema, SchemaExtension, ScimProvider, UnauthorizedException
from scim2_server.applications.wsgi import WSGIApplication
from scim2_server.memory import InMemoryStorage
from scim2_server.testserver.application import BEARER_TOKEN_SCHEME
from scim2_server.testserver.cli import dump_resources
from scim2_server.utils import (
    load_default_resource_types,
    load_default_schemas,
    load_default_service_provider_config,
)

FOLDER = Path(os.environ["INTEROP_FOLDER"])
KEY = ECKey.import_key(json.loads((FOLDER / "key.json").read_text()))
HABIT = os.environ["INTEROP_HABIT"]
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
EXTENSION = "urn:ietf:params:scim:schemas:extension:example:2.0:User"
CLAIMS = jwt.JWTClaimsRegistry(exp={"essential": True}, aud={"essential": True, "value": "scim"})


class Application(WSGIApplication):
    def check_auth(self, request):
        scheme, _, token = (request.header("Authorization") or "").partition(" ")
        try:
            CLAIMS.validate(jwt.decode(token, KEY, algorithms=["ES256"]).claims)
        except (JoseError, ValueError):
            raise UnauthorizedException from None


def provider():
    """The schemas of RFC 7643, and an MFA attribute where it is wished."""
    config = load_default_service_provider_config()
    config.authentication_schemes = [BEARER_TOKEN_SCHEME]
    schemas, kinds = load_default_schemas(), load_default_resource_types()
    mfa = Attribute.model_validate(json.loads((FOLDER / "mfa.json").read_text()))
    if HABIT == "mfa":
        schemas[USER].attributes.append(mfa)
    if HABIT == "mfa extension":
        schemas[EXTENSION] = Schema(id=EXTENSION, name="Mfa", attributes=[mfa])
        kinds["User"].schema_extensions.append(SchemaExtension(schema_=EXTENSION, required=False))
    return ScimProvider.from_discovery(schemas.values(), kinds.values(), config=config)


def told(what, start_response):
    body = json.dumps(what).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


class Service:
    """The application and somebody else, who changes accounts between the look-up and the PATCH."""

    def __init__(self, application: Application):
        self.application, self.storage = application, application.storage
        self.kind = application.service.provider.resource_types[0]
        self.met, self.answers = set(), Counter()

    def __call__(self, environ, start_response):
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if path == "/_data":
            return told(dump_resources(self.storage), start_response)
        if path == "/_answers":
            return told(self.answers, start_response)
        if method == "PATCH":
            self.meddle(path.rpartition("/")[2])

        def counted(status, headers):
            self.answers[f"{method} {status.split()[0]}"] += 1
            return start_response(status, headers)

        return self.application(environ, counted)

    def meddle(self, user_id: str) -> None:
        user = self.storage.get(self.kind, user_id)
        is_first = user_id not in self.met
        self.met.add(user_id)
        if user.user_name.startswith("restless") or (is_first and user.user_name.startswith("meddled")):
            user.title = f"{user.title}, again"
        elif is_first and user.user_name.startswith("renamed"):
            user.user_name = f"was-{user.user_name}"
        else:
            return
        self.storage.update(self.kind, user)

    def load(self) -> None:
        model = self.application.service.provider.model_for("User")
        for account in json.loads((FOLDER / "accounts.json").read_text()):
            self.storage.create(self.kind, model.model_validate({"schemas": [USER], **account}))


def service() -> Service:
    made = Service(Application(InMemoryStorage(), provider()))
    made.load()
    return made
