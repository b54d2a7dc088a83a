"""A file of the deployment's file storage: what hangs on its document of ``_storage``.

It has no life of its own: it is there as long as some version of the document is, in the store, in the log that can
undo, in a snapshot.  So nothing has to be collected.

convex-backend crates/model/src/file_storage/types.rs ``FileStorageEntry`` (checked 2026-11-21).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoredFile:
    """The bytes of a file, and its name in URLs.

    Attributes:
        body: the bytes.
        uuid: which file its URL means; whoever knows it can read the file, so it is not the document's id.
    """

    body: bytes
    uuid: str
