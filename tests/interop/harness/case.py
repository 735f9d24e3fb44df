"""One case: a server, what is tried with it, and how it came out."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from .judge import Failed
from .stage import Stage


@dataclass
class Result:
    server: str
    name: str
    # What the document says of it.
    note: str
    failure: str


@dataclass
class Case:
    server: str
    name: str
    do: Callable[[Stage], str | None]

    def title(self) -> str:
        return f"{self.server}: {self.name}"

    def attempt(self, stage: Stage) -> Result:
        began = time.monotonic()
        note, failure = "as it should", ""
        try:
            note = self.do(stage.begin(re.sub(r"\W+", "-", self.title()))) or note
        except Failed as why:
            failure = str(why)
        except Exception as error:  # A case that cannot be tried has failed; the others go on.
            failure = f"{type(error).__name__}: {error}"
        end = f"FAILED: {failure}" if failure else note
        print(f"{time.monotonic() - began:5.1f} s  {self.title()}: {end}", flush=True)
        return Result(self.server, self.name, note, failure)
