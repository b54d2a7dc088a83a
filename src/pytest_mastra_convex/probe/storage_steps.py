"""Steps of file storage, and of the tables a deployment keeps itself.

URLs and what stands in them differ from run to run: a step tells whether there is one, or it itself if it is to be
fetched.

`convex/conformance/storage.ts` is the same in TypeScript.
"""

from __future__ import annotations

from typing import Any

from pytest_mastra_convex.probe.forms import Frame

Json = dict[str, Any]


def url(ctx: Any, step: Json, frame: Frame) -> Any:
    """Whether a file has a URL, or the URL."""
    found = ctx.storage.get_url(frame.value(step["id"]))
    return found if step.get("plain") else found is not None


def metadata(ctx: Any, step: Json, frame: Frame) -> Any:
    """What is told of a file, without the name in its URL."""
    found = ctx.storage.get_metadata(frame.value(step["id"]))
    return None if found is None else {name: item for name, item in found.items() if name != "storageId"}


def upload_url(ctx: Any, step: Json, frame: Frame) -> Any:
    """Whether there is a URL for uploads, or the URL."""
    found = ctx.storage.generate_upload_url()
    return found if step.get("plain") else "/api/storage/upload?token=" in found


def delete_file(ctx: Any, step: Json, frame: Frame) -> None:
    """Deletes a file."""
    ctx.storage.delete(frame.value(step["id"]))


def store_file(ctx: Any, step: Json, frame: Frame) -> str:
    """Stores bytes and answers their id."""
    body = frame.value(step["body"])
    stored: str = ctx.storage.store(body, frame.value(step.get("contentType")), frame.value(step.get("sha256")))
    return stored


def read_file(ctx: Any, step: Json, frame: Frame) -> Any:
    """The bytes and the type of a file; no type is an empty text, as of a ``Blob``."""
    blob = ctx.storage.get(frame.value(step["id"]))
    return None if blob is None else {"body": blob.body, "contentType": blob.content_type or ""}
