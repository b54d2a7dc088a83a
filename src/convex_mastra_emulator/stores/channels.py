"""The domain ``channels``: where an agent is installed, and what each platform needs to know.

The data of an installation and of a platform's configuration is JSON text on the deployment.
npm @mastra/convex 1.5.2 ``ChannelsConvex`` (mastra-adapter.md §9, checked 2026-11-21).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from convex_mastra_emulator.stores.errors import StorageError
from convex_mastra_emulator.stores.json_text import from_json_text, to_json_text
from convex_mastra_emulator.stores.storage_client import Record, StorageClient, equal
from convex_mastra_emulator.stores.times import from_iso, to_epoch_ms, to_iso

TABLE_CHANNEL_INSTALLATIONS = "mastra_channel_installations"
TABLE_CHANNEL_CONFIG = "mastra_channel_config"

_STATUS_PRIORITY: Mapping[str, int] = {"active": 0, "pending": 1, "error": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelInstallation:
    """An agent on a platform.

    Attributes:
        id: its own id.
        platform: the platform, for example ``slack``.
        agent_id: the agent.
        status: ``active``, ``pending`` or ``error``.
        data: a JSON object.
        webhook_id: by what the platform's calls are known.
        config_hash: of the configuration it was made with.
        error: why it failed.
        created_at: when it was first saved; the time of that if None.
        updated_at: when it was last saved; what is given here is not looked at.
    """

    id: str
    platform: str
    agent_id: str
    status: str
    data: Any
    webhook_id: str | None = None
    config_hash: str | None = None
    error: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelConfig:
    """What a platform needs to know: ``data``, a JSON object, as of ``updated_at``."""

    platform: str
    data: Any
    updated_at: datetime


class ConvexChannels:
    """Channels on a deployment.

    What reads rows raises ``StorageError`` (``Invalid channel data JSON for …``) when their data is malformed.
    """

    def __init__(self, client: StorageClient) -> None:
        self._client = client

    def dangerously_clear_all(self) -> None:
        """Deletes all installations and all configurations."""
        self._client.clear_table(TABLE_CHANNEL_INSTALLATIONS)
        self._client.clear_table(TABLE_CHANNEL_CONFIG)

    # Installations

    def save_installation(self, installation: ChannelInstallation) -> None:
        """Writes an installation, over the one with its id, whose ``created_at`` stays; a read and a write."""
        existing = self._client.load(TABLE_CHANNEL_INSTALLATIONS, id=installation.id) or {}
        moment = self._client.clock()
        record = {
            "id": installation.id,
            "platform": installation.platform,
            "agentId": installation.agent_id,
            "status": installation.status,
            "webhookId": installation.webhook_id,
            "data": to_json_text(installation.data),
            "configHash": installation.config_hash,
            "error": installation.error,
            "createdAt": existing.get("createdAt") or to_iso(installation.created_at or moment),
            "updatedAt": to_iso(moment),
        }
        self._client.insert(TABLE_CHANNEL_INSTALLATIONS, record)

    def get_installation(self, id: str) -> ChannelInstallation | None:
        """The installation, or None if there is none."""
        row = self._client.load(TABLE_CHANNEL_INSTALLATIONS, id=id)
        return _installation(row) if row else None

    def get_installation_by_agent(self, platform: str, agent_id: str) -> ChannelInstallation | None:
        """The best installation of an agent: active before pending before failed, then the one saved last."""
        found = self._installations(equal("platform", platform), equal("agentId", agent_id))
        return min(found, key=functools.cmp_to_key(_by_status_and_age), default=None)

    def get_installation_by_webhook_id(self, webhook_id: str) -> ChannelInstallation | None:
        """The installation with this webhook that was saved last, or None."""
        found = self._installations(equal("webhookId", webhook_id))
        return max(found, key=lambda installation: _ms(installation.updated_at), default=None)

    def list_installations(self, platform: str) -> list[ChannelInstallation]:
        """The installations on a platform, newest first."""
        found = self._installations(equal("platform", platform))
        return sorted(found, key=lambda installation: _ms(installation.created_at), reverse=True)

    def delete_installation(self, id: str) -> None:
        """Deletes an installation; a missing one is no error."""
        self._client.delete_many(TABLE_CHANNEL_INSTALLATIONS, [id])

    def _installations(self, *filters: dict[str, Any]) -> list[ChannelInstallation]:
        return list(map(_installation, self._client.query_table(TABLE_CHANNEL_INSTALLATIONS, filters)))

    # Configurations

    def save_config(self, config: ChannelConfig) -> None:
        """Writes a platform's configuration, over the one there is."""
        record = {
            "id": config.platform,
            "platform": config.platform,
            "data": to_json_text(config.data),
            "updatedAt": to_iso(config.updated_at),
        }
        self._client.insert(TABLE_CHANNEL_CONFIG, record)

    def get_config(self, platform: str) -> ChannelConfig | None:
        """A platform's configuration, or None if there is none."""
        row = self._client.load(TABLE_CHANNEL_CONFIG, id=platform)
        if not row:
            return None
        return ChannelConfig(
            platform=row["platform"],
            data=_data(row, f"config {row['platform']}"),
            updated_at=from_iso(row["updatedAt"]),
        )

    def delete_config(self, platform: str) -> None:
        """Deletes a platform's configuration; a missing one is no error."""
        self._client.delete_many(TABLE_CHANNEL_CONFIG, [platform])


def _by_status_and_age(left: ChannelInstallation, right: ChannelInstallation) -> int:
    if left.status != right.status:
        first, second = _STATUS_PRIORITY.get(left.status), _STATUS_PRIORITY.get(right.status)
        # A status that Mastra does not know is neither before nor after another one.
        return 0 if first is None or second is None else first - second
    return _ms(right.updated_at) - _ms(left.updated_at)


def _ms(moment: datetime | None) -> int:
    return 0 if moment is None else to_epoch_ms(moment)


def _installation(row: Record) -> ChannelInstallation:
    return ChannelInstallation(
        id=row["id"],
        platform=row["platform"],
        agent_id=row["agentId"],
        status=row["status"],
        webhook_id=row.get("webhookId"),
        data=_data(row, f"installation {row['id']}"),
        config_hash=row.get("configHash"),
        error=row.get("error"),
        created_at=from_iso(row["createdAt"]),
        updated_at=from_iso(row["updatedAt"]),
    )


def _data(row: Record, context: str) -> Any:
    try:
        return from_json_text(row["data"])
    except ValueError as error:
        raise StorageError(f"Invalid channel data JSON for {context}") from error
