"""The table of server and case, on the screen and in the document."""

from pathlib import Path

from .case import Result

BEGIN, END = "<!-- tests/interop/run --write -->\n", "<!-- end of the table -->\n"


def text(results: list[Result]) -> str:
    width = max((len(result.server) for result in results), default=0)
    wide = max((len(result.name) for result in results), default=0)
    lines = (
        f"{result.server:{width}}  {result.name:{wide}}  {'FAILED' if result.failure else result.note}"
        for result in results
    )
    return "\n".join(["", *lines, ""])


def markdown(results: list[Result]) -> str:
    rows = [f"| {result.server} | {result.name} | {result.note} |\n" for result in results]
    return "".join(["| server | case | comes out |\n", "|---|---|---|\n", *rows])


def keep(document: Path, results: list[Result], write: bool) -> bool:
    """Whether the document has this table, put there now if that is wished."""
    before, _, rest = document.read_text().partition(BEGIN)
    old, _, after = rest.partition(END)
    new = markdown(results)
    if write:
        document.write_text(before + BEGIN + new + END + after)
    return write or old == new
