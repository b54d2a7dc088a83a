"""What a child process is told that nobody else may read: one line of JSON on its standard input.

Arguments stand in the list of processes for everybody on the machine, and variables of the environment go on to
every child of the child.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """Keys and variables for a served emulator.

    Attributes:
        admin_key: the key that makes an administrator; a random one if None.
        test_token_secret: what tokens of users are signed with that it accepts; None accepts none.
        env: environment variables of its functions.
    """

    admin_key: str | None = field(default=None, repr=False)
    test_token_secret: str | None = field(default=None, repr=False)
    env: Mapping[str, str] = field(default_factory=dict, repr=False)

    def write(self, stream: IO[str]) -> None:
        """Hands everything over; the stream stays open."""
        told = {"adminKey": self.admin_key, "testTokenSecret": self.test_token_secret, "env": dict(self.env)}
        stream.write(json.dumps(told) + "\n")
        stream.flush()

    @classmethod
    def read(cls, stream: IO[str]) -> Handover:
        """Takes the first line of a stream.

        Raises:
            ValueError: if it is no such line.
        """
        line = stream.readline()
        try:
            told = json.loads(line)
            return cls(admin_key=told["adminKey"], test_token_secret=told["testTokenSecret"], env=told["env"])
        except (ValueError, TypeError, KeyError):
            # Without the line itself, which may hold a key.
            raise ValueError("the first line of standard input is no JSON of keys and variables") from None
