"""Deployed crons as JSON, for the file of data: their definitions, next times and last runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from convex_mastra_emulator.limits import Limits
from convex_mastra_emulator.runtime.crons import Cron, CronJob, CronRun
from convex_mastra_emulator.runtime.paths import parse_path
from convex_mastra_emulator.values.codec import decode_stored, encode
from convex_mastra_emulator.values.json_text import parse_own_json, write_json
from convex_mastra_emulator.values.size import take_in


def write_crons(jobs: Iterable[CronJob], limits: Limits) -> str:
    """The JSON text of deployed crons.

    Raises:
        InvalidValue: for arguments no deployment takes.
    """
    return write_json([_to_json(job, limits) for job in jobs])


def _to_json(job: CronJob, limits: Limits) -> dict[str, Any]:
    cron = job.cron
    return {
        "id": cron.id,
        "path": cron.path.canonical,
        "arguments": encode(take_in(cron.arguments, limits).value),
        "intervalSeconds": cron.interval_seconds,
        "expression": cron.expression,
        "nextMs": job.next_ms,
        "runs": [{"atMs": run.at_ms, "error": run.error} for run in job.runs],
    }


def read_crons(text: str) -> dict[str, CronJob]:
    """What :func:`write_crons` was given, by id."""
    return {json["id"]: _from_json(json) for json in parse_own_json(text)}


def _from_json(json: Mapping[str, Any]) -> CronJob:
    cron = Cron(
        json["id"],
        parse_path(json["path"]),
        decode_stored(json["arguments"]),
        json["intervalSeconds"],
        json["expression"],
    )
    return CronJob(cron, json["nextMs"], [CronRun(run["atMs"], run["error"]) for run in json["runs"]])
