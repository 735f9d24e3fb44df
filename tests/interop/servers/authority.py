"""An OAuth 2.0 authorization server made of Authlib: client credentials, tokens as JWT (RFC 9068).

Its clients are named after what they are there to show. Every request for a token is a line of
requests.jsonl. To be served by gunicorn."""

import json
import os
from pathlib import Path

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, grants
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from flask import Flask, request

FOLDER = Path(os.environ["INTEROP_FOLDER"])
KEY = json.loads((FOLDER / "key.json").read_text())
CLIENTS = json.loads((FOLDER / "clients.json").read_text())


class Client(ClientMixin):
    def __init__(self, client_id: str):
        self.client_id = client_id
        self.terms = CLIENTS[client_id]

    def get_client_id(self):
        return self.client_id

    def check_client_secret(self, client_secret):
        return client_secret == self.terms["secret"]

    def check_endpoint_auth_method(self, method, endpoint):
        return method == self.terms["method"]

    def check_grant_type(self, grant_type):
        return grant_type == "client_credentials"

    def get_allowed_scope(self, scope):
        return "scim" if "scim" in (scope or "").split() else ""


class Grant(grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]


class Tokens(JWTBearerTokenGenerator):
    """Tokens of a client may say that they live longer than they do, as if they were revoked."""

    def get_jwks(self):
        return {"keys": [KEY]}

    def get_audiences(self, client, user, scope):
        return "scim"

    def _get_expires_in(self, client, grant_type):
        return client.terms["life_s"]

    def __call__(self, *args, **kwargs):
        token = super().__call__(*args, **kwargs)
        token["expires_in"] = kwargs["client"].terms["told_s"]
        return token


app = Flask(__name__)
server = AuthorizationServer(
    app, query_client=lambda name: Client(name) if name in CLIENTS else None, save_token=lambda token, request: None
)
server.register_token_generator("default", Tokens(issuer="authority", alg="ES256"))
server.register_grant(Grant)


@app.post("/oauth/token")
def token():
    reply = server.create_token_response()
    how = "basic" if request.headers.get("Authorization", "").startswith("Basic ") else "body"
    line = {"status": reply.status_code, "how": how, "fields": sorted(request.form)}
    with (FOLDER / "requests.jsonl").open("a") as log:
        log.write(json.dumps(line) + "\n")
    return reply
