"""The tables, on the screen and in the document."""

from pathlib import Path

from .case import Result

BEGIN, END = "<!-- made by tests/interop/run --write -->\n", "<!-- end of the table -->\n"


def text(results: list[Result]) -> str:
    width = max((len(result.server) for result in results), default=0)
    wide = max((len(result.name) for result in results), default=0)
    lines = (
        f"{result.server:{width}}  {result.name:{wide}}  {'FAILED' if result.failure else result.note}"
        for result in results
    )
    return "\n".join(["", *lines, ""])


def of_cases(results: list[Result]) -> str:
    rows = [f"| {result.server} | {result.name} | {result.note} |\n" for result in results]
    return "".join(["| with | what is tried | comes out |\n", "|---|---|---|\n", *rows])


def of_differences(differences: list[tuple[str, str, str]]) -> str:
    rows = [f"| `{check}` | {words} | {reason} |\n" for check, words, reason in differences]
    return "".join(["| check | it says | why it stays |\n", "|---|---|---|\n", *rows])


def keep(document: Path, tables: list[str], write: bool) -> bool:
    """Whether the document has these tables, each between its marks; put there now if that is wished."""
    start, *parts = document.read_text().split(BEGIN)
    ends = [part.partition(END) for part in parts]
    same = [old for old, _, _ in ends] == tables
    if write:
        filled = (BEGIN + table + END + rest for table, (_, _, rest) in zip(tables, ends, strict=True))
        document.write_text(start + "".join(filled))
    return write or same
