"""Channels: installations of agents on platforms, and the platforms' configurations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.stores.channels import ChannelConfig, ChannelInstallation, ConvexChannels
from convex_mastra_emulator.stores.errors import StorageError
from convex_mastra_emulator.stores.storage_client import StorageClient

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def new_channels(emulator: Emulator | None = None) -> ConvexChannels:
    """Channels whose clock moves a minute with every look at it."""
    looks = iter(range(1, 1000))
    clock = lambda: NOON + timedelta(minutes=next(looks))  # noqa: E731
    return ConvexChannels(StorageClient(emulator or Emulator(), clock=clock))


def installation(id: str, **fields: Any) -> ChannelInstallation:
    given: dict[str, Any] = {"platform": "slack", "agent_id": "agent", "status": "active", "data": {}, **fields}
    return ChannelInstallation(id=id, **given)


def test_saved_installation_is_read_back() -> None:
    channels = new_channels()
    given = installation(
        "i", data={"$k": [1, 0.5, None]}, webhook_id="w", config_hash="h", error="e", created_at=NOON, updated_at=NOON
    )

    channels.save_installation(given)

    assert channels.get_installation("i") == installation(
        "i",
        data={"$k": [1, 0.5, None]},
        webhook_id="w",
        config_hash="h",
        error="e",
        created_at=NOON,
        updated_at=NOON + timedelta(minutes=1),
    )


def test_installation_without_dates_is_as_old_as_its_first_saving() -> None:
    channels = new_channels()

    channels.save_installation(installation("i"))
    channels.save_installation(installation("i", created_at=NOON))

    saved = channels.get_installation("i")
    assert saved is not None
    assert saved.created_at == NOON + timedelta(minutes=1)
    assert saved.updated_at == NOON + timedelta(minutes=2)


def test_saving_again_clears_what_is_not_given() -> None:
    channels = new_channels()
    channels.save_installation(installation("i", webhook_id="w", error="e"))

    channels.save_installation(installation("i"))

    saved = channels.get_installation("i")
    assert saved is not None
    assert (saved.webhook_id, saved.error) == (None, None)


def test_missing_ones_are_none() -> None:
    channels = new_channels()

    assert channels.get_installation("missing") is None
    assert channels.get_installation_by_agent("slack", "missing") is None
    assert channels.get_installation_by_webhook_id("missing") is None
    assert channels.list_installations("missing") == []
    assert channels.get_config("missing") is None


@pytest.mark.parametrize(
    ("statuses", "best"),
    [
        (["error", "pending", "active"], "i2"),
        (["active", "pending", "error"], "i0"),
        (["error", "pending", "error"], "i1"),
        # Of equal ones the one saved last.
        (["pending", "pending", "error"], "i1"),
    ],
)
def test_best_installation_of_an_agent(statuses: list[str], best: str) -> None:
    channels = new_channels()
    for number, status in enumerate(statuses):
        channels.save_installation(installation(f"i{number}", status=status))
    channels.save_installation(installation("elsewhere", platform="discord"))
    channels.save_installation(installation("other", agent_id="other"))

    found = channels.get_installation_by_agent("slack", "agent")

    assert found is not None
    assert found.id == best


def test_unknown_status_is_neither_before_nor_after() -> None:
    channels = new_channels()
    channels.save_installation(installation("first", status="unknown"))
    channels.save_installation(installation("second", status="active"))

    found = channels.get_installation_by_agent("slack", "agent")

    assert found is not None
    assert found.id == "first"


def test_newest_installation_of_a_webhook() -> None:
    channels = new_channels()
    channels.save_installation(installation("old", webhook_id="w"))
    channels.save_installation(installation("new", webhook_id="w"))
    channels.save_installation(installation("other", webhook_id="x"))

    found = channels.get_installation_by_webhook_id("w")

    assert found is not None
    assert found.id == "new"


def test_installations_are_listed_newest_first() -> None:
    channels = new_channels()
    for id, minute in (("b", 2), ("d", 4), ("a", 1), ("c", 2)):
        channels.save_installation(installation(id, created_at=NOON + timedelta(minutes=minute)))
    channels.save_installation(installation("elsewhere", platform="discord"))

    assert [found.id for found in channels.list_installations("slack")] == ["d", "b", "c", "a"]


def test_deleting_twice_is_no_error() -> None:
    channels = new_channels()
    channels.save_installation(installation("i"))
    channels.save_config(ChannelConfig(platform="slack", data={}, updated_at=NOON))

    for _ in range(2):
        channels.delete_installation("i")
        channels.delete_config("slack")

    assert channels.get_installation("i") is None
    assert channels.get_config("slack") is None


def test_configuration_is_one_per_platform() -> None:
    channels = new_channels()
    channels.save_config(ChannelConfig(platform="slack", data={"a": 1}, updated_at=NOON))

    channels.save_config(ChannelConfig(platform="slack", data={"b": [1.5]}, updated_at=NOON + timedelta(seconds=1)))

    expected = ChannelConfig(platform="slack", data={"b": [1.5]}, updated_at=NOON + timedelta(seconds=1))
    assert channels.get_config("slack") == expected


def test_malformed_data_is_refused_with_its_place() -> None:
    emulator = Emulator()
    channels = new_channels(emulator)
    client = StorageClient(emulator)
    row = {
        "id": "i",
        "platform": "slack",
        "agentId": "a",
        "status": "active",
        "data": "{",
        "createdAt": "",
        "updatedAt": "",
    }
    client.insert("mastra_channel_installations", row)
    client.insert("mastra_channel_config", {"id": "slack", "platform": "slack", "data": "", "updatedAt": ""})

    with pytest.raises(StorageError, match="Invalid channel data JSON for installation i"):
        channels.get_installation("i")
    with pytest.raises(StorageError, match="Invalid channel data JSON for config slack"):
        channels.get_config("slack")


def test_clear_deletes_both_tables() -> None:
    emulator = Emulator()
    channels = new_channels(emulator)
    for number in range(26):
        channels.save_installation(installation(f"i{number}"))
    channels.save_config(ChannelConfig(platform="slack", data={}, updated_at=NOON))

    channels.dangerously_clear_all()

    assert emulator.table_counts() == {}


def test_configuration_needs_a_time_zone() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        new_channels().save_config(ChannelConfig(platform="slack", data={}, updated_at=NOON.replace(tzinfo=None)))
