"""The input: made-up users with generated passwords, the same file for every client."""

import random
import string
from pathlib import Path

ALPHABET = string.ascii_letters + string.digits + "!#$%*+-.:;=?@_"


def write(path: Path, rows: int) -> Path:
    """A CSV of so many users. Passwords are drawn from a fixed seed, so that every machine measures the same bytes."""
    draw = random.Random(rows)
    with path.open("w", newline="") as out:
        out.write("email,password,mfa_phone\n")
        for row in range(1, rows + 1):
            password = "".join(draw.choices(ALPHABET, k=16))
            out.write(f"{email(row)},{password},+1 555 010-{100 + row % 100:04}\n")
    return path


def email(row: int) -> str:
    return f"u{row:012}@example.com"


def user_id(row: int) -> str:
    return f"5c1f0e2a-77d4-4b2e-9a01-{row:012}"
