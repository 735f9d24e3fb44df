"""A well-written client in Python: aiohttp on uvloop, 64 rows in flight over one session, the input read as it
is needed, the user name checked before anything is changed, every outcome written as it comes.

usage: aiohttp_client.py USERS.csv SCIM_URL TOKEN_URL OUTCOME.csv"""

import asyncio
import csv
import re
import sys

import aiohttp
import uvloop

IN_FLIGHT = 64
SCHEMAS = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]


def change(row: dict) -> dict:
    phone = re.sub(r"[ .()-]", "", row["mfa_phone"])
    mfa = {"enabled": True, "mfaType": "phone", "phoneNumber": phone}
    password = {"op": "replace", "path": "password", "value": row["password"]}
    return {"schemas": SCHEMAS, "Operations": [password, {"op": "replace", "path": "mfaSettings", "value": mfa}]}


async def rekey(session: aiohttp.ClientSession, base: str, row: dict) -> tuple[str, str]:
    email = row["email"]
    escaped = email.replace("\\", "\\\\").replace('"', '\\"')
    query = {"filter": f'userName eq "{escaped}"', "attributes": "id,userName,active,meta"}
    async with session.get(f"{base}/Users", params=query) as reply:
        if reply.status != 200:
            return "failed", ""
        found = (await reply.json(content_type=None))["Resources"]
    bearers = [user for user in found if user["userName"].lower() == email.lower()]
    if len(bearers) != 1:
        return "failed", ""
    user_id = bearers[0]["id"]
    headers = {"Content-Type": "application/scim+json"}
    async with session.patch(f"{base}/Users/{user_id}", json=change(row), headers=headers) as reply:
        await reply.read()
        return ("updated" if reply.status in (200, 204) else "failed"), user_id


async def worker(session: aiohttp.ClientSession, base: str, rows, results) -> None:
    for row in rows:
        outcome, user_id = await rekey(session, base, row)
        results.writerow([row["email"], outcome, user_id])


async def main(users: str, base: str, token_url: str, outcome: str) -> None:
    connector = aiohttp.TCPConnector(limit=IN_FLIGHT)
    headers = {"Accept": "application/scim+json"}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        grant = {"grant_type": "client_credentials"}
        async with session.post(token_url, data=grant, auth=aiohttp.BasicAuth("benchmark", "benchmark")) as reply:
            session.headers["Authorization"] = f"Bearer {(await reply.json())['access_token']}"
        with open(users, newline="") as source, open(outcome, "w", newline="") as out:
            rows, results = csv.DictReader(source), csv.writer(out)
            results.writerow(["email", "outcome", "user_id"])
            await asyncio.gather(*(worker(session, base, rows, results) for _ in range(IN_FLIGHT)))


uvloop.run(main(*sys.argv[1:]))
