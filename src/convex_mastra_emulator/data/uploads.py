"""Files on their way in, in parts: each part stays in memory until its upload is finished or given up.

convex-backend crates/storage/src/lib.rs ``start_client_driven_upload`` and what follows it, as object stores do it: a
part that is sent again replaces the first one, and the parts are put together by their numbers (checked 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from convex_mastra_emulator.clock import Clock
from convex_mastra_emulator.errors import RequestRefused

_KEPT_NS = 60 * 60 * 1_000_000_000
"""How long an upload that nobody goes on with is kept."""


@dataclass(slots=True)
class _Upload:
    """One upload: its parts by number, each with its token."""

    touched_ns: int
    parts: dict[int, tuple[str, bytes]] = field(default_factory=dict)


class Uploads:
    """The uploads of one deployment that are not finished.

    Args:
        clock: says which were given up.
        new_token: gives texts that nobody guesses.
    """

    def __init__(self, clock: Clock, new_token: Callable[[], str]) -> None:
        self._clock = clock
        self._new_token = new_token
        self._uploads: dict[str, _Upload] = {}

    def __len__(self) -> int:
        return len(self._uploads)

    def start(self) -> str:
        """Begins an upload and gives its token."""
        now_ns = self._clock.now_ns()
        for token, upload in list(self._uploads.items()):
            if upload.touched_ns < now_ns - _KEPT_NS:
                self._uploads.pop(token, None)
        token = self._new_token()
        self._uploads[token] = _Upload(now_ns)
        return token

    def add_part(self, token: str, number: int, data: bytes) -> str:
        """Adds a part and gives the token that stands for it.

        Raises:
            RequestRefused: if there is no such upload.
        """
        upload = self._find(token)
        upload.touched_ns = self._clock.now_ns()
        part_token = self._new_token()
        upload.parts[number] = part_token, data
        return part_token

    def finish(self, token: str, part_tokens: Iterable[str]) -> bytes:
        """Puts the parts together and forgets the upload.

        Raises:
            RequestRefused: if there is no such upload, or no such part of it.
        """
        parts = self._find(token).parts
        numbers = {part_token: number for number, (part_token, _) in parts.items()}
        wanted = []
        for part_token in part_tokens:
            number = numbers.get(part_token)
            if number is None:
                raise RequestRefused(
                    f"partTokens: {part_token!r} stands for no part of this upload", code="InvalidUpload"
                )
            wanted.append(number)
        del self._uploads[token]
        return b"".join(parts[number][1] for number in sorted(wanted))

    def _find(self, token: str) -> _Upload:
        upload = self._uploads.get(token)
        if upload is None:
            # A deployment has no words for it: it answers an internal error.
            raise RequestRefused(
                f"uploadToken: there is no upload {token!r}; it was finished, or nobody went on with it for an hour",
                code="InvalidUpload",
            )
        return upload
