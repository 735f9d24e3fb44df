"""A real mail server (aiosmtpd) on loopback, which keeps nothing.

    mailserver.py starttls|tls CERTIFICATE KEY

It takes mail over TLS and after a login as `it` only; the password comes by standard input. It prints its
port, then each mail as a line of JSON.
"""

import asyncio
import json
import logging
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


def say(what):
    print(json.dumps(what), flush=True)


class Mailbox:
    async def handle_DATA(self, server, session, envelope):
        mail = envelope.content.decode("ascii")
        tls = session.ssl is not None or mode == "tls"
        say({"from": envelope.mail_from, "to": envelope.rcpt_tos, "tls": tls, "peer": session.peer[1], "mail": mail})
        return "250 taken"


def is_known(server, session, envelope, mechanism, login):
    return AuthResult(success=(login.login, login.password) == (b"it", password), handled=False)


async def serve():
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    starttls = mode == "starttls"

    def conversation():
        return SMTP(
            Mailbox(),
            authenticator=is_known,
            auth_required=True,
            auth_require_tls=starttls,
            require_starttls=starttls,
            tls_context=context if starttls else None,
        )

    loop = asyncio.get_running_loop()
    outside = None if starttls else context
    server = await loop.create_server(conversation, "127.0.0.1", 0, ssl=outside)
    say(server.sockets[0].getsockname()[1])
    # Ends when whoever started it is gone.
    await loop.run_in_executor(None, sys.stdin.buffer.read)


# It complains of its own old names at each login.
logging.disable(logging.WARNING)
mode, certificate, key = sys.argv[1:]
password = sys.stdin.buffer.readline().rstrip(b"\n")
asyncio.run(serve())
