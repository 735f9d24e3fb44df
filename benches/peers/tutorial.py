"""What most people write first, after the vendor's tutorials: one row after the other, the first user that
the look-up shows is taken, one client for all requests.

usage: tutorial.py USERS.csv SCIM_URL TOKEN_URL OUTCOME.csv"""

import csv
import sys

import httpx

users, base, token_url, outcome = sys.argv[1:]

with httpx.Client() as client, open(users, newline="") as rows, open(outcome, "w", newline="") as out:
    reply = client.post(token_url, data={"grant_type": "client_credentials"}, auth=("benchmark", "benchmark"))
    client.headers["Authorization"] = f"Bearer {reply.json()['access_token']}"
    results = csv.writer(out)
    results.writerow(["email", "outcome", "user_id"])
    for row in csv.DictReader(rows):
        found = client.get(f"{base}/Users", params={"filter": f'userName eq "{row["email"]}"'})
        found.raise_for_status()
        user = found.json()["Resources"][0]
        change = {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [
                {"op": "replace", "path": "password", "value": row["password"]},
                {
                    "op": "replace",
                    "path": "mfaSettings",
                    "value": {"enabled": True, "mfaType": "phone", "phoneNumber": row["mfa_phone"]},
                },
            ],
        }
        headers = {"Content-Type": "application/scim+json"}
        done = client.patch(f"{base}/Users/{user['id']}", json=change, headers=headers)
        results.writerow([row["email"], "updated" if done.is_success else "failed", user["id"]])
