"""Channels: installations on platforms, and the platforms' configurations."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from convex_mastra_emulator import Deployment
from convex_mastra_emulator.stores import (
    ChannelConfig,
    ChannelInstallation,
    ConvexChannels,
    ConvexStore,
    StorageError,
)
from pytest_mastra_convex.conformance.records import NOON, after_noon, ids_of, rows, send, store_at

INSTALLATIONS = "mastra_channel_installations"


@pytest.fixture
def channels(convex_store: ConvexStore) -> ConvexChannels:
    """The channels domain alone."""
    return convex_store.channels


def installation(installation_id: str, **fields: Any) -> ChannelInstallation:
    """An active installation of agent-1 on Slack."""
    given = {"platform": "slack", "agent_id": "agent-1", "status": "active", "data": {"team": "T1"}, **fields}
    return ChannelInstallation(id=installation_id, **given)


def save_at(deployment: Deployment, moment: datetime, saved: ChannelInstallation) -> None:
    """Saves an installation at a time, which becomes its time of update."""
    store_at(deployment, moment).channels.save_installation(saved)


# Installations


# Tokens and scopes of a platform are JSON text: reserved keys inside are fine.
def test_an_installation_is_read_as_it_was_saved(convex_deployment: Deployment) -> None:
    channels = store_at(convex_deployment, after_noon(5)).channels
    fields = {"webhook_id": "hook-1", "config_hash": "abc", "error": "none", "data": {"$ref": "x", "n": [1, None]}}
    channels.save_installation(installation("install-1", created_at=NOON, **fields))

    read = channels.get_installation("install-1")

    assert read == installation("install-1", created_at=NOON, updated_at=after_noon(5), **fields)


# Absent webhook, hash and error are null in the row, and the time is now.
def test_absent_fields_are_stored_as_null(convex_deployment: Deployment) -> None:
    save_at(convex_deployment, NOON, installation("install-1"))

    row = rows(convex_deployment, INSTALLATIONS)[0]

    assert [row[name] for name in ("webhookId", "configHash", "error")] == [None, None, None]
    assert (row["createdAt"], row["updatedAt"]) == ("2026-11-21T12:00:00.000Z", "2026-11-21T12:00:00.000Z")


# An installation that is not there is no error, and deleting it neither.
def test_an_installation_that_is_not_there(channels: ConvexChannels) -> None:
    channels.delete_installation("install-1")

    assert channels.get_installation("install-1") is None
    assert channels.get_installation_by_agent("slack", "agent-1") is None
    assert channels.get_installation_by_webhook_id("hook-1") is None
    assert channels.list_installations("slack") == []


# Reconnecting overwrites the installation; when it was first made stays, whatever the caller says.
def test_saving_again_keeps_the_first_time(convex_deployment: Deployment) -> None:
    save_at(convex_deployment, NOON, installation("install-1", status="pending", webhook_id="hook-1"))

    save_at(convex_deployment, after_noon(5), installation("install-1", created_at=after_noon(4)))

    read = ConvexStore(convex_deployment).channels.get_installation("install-1")
    assert read == installation("install-1", created_at=NOON, updated_at=after_noon(5))


# An agent may have a dead installation beside the living one: active before pending before failed, then the newest.
@pytest.mark.parametrize(
    ("statuses", "best"),
    [
        (["error", "active", "pending"], "i1"),
        (["error", "pending"], "i1"),
        (["pending", "error"], "i0"),
        (["active", "active"], "i1"),
        (["active", "error", "active", "pending"], "i2"),
        (["error"], "i0"),
    ],
    ids=["active", "pending", "pending-first", "newest", "newest-active", "only"],
)
def test_an_agent_has_a_best_installation(convex_deployment: Deployment, statuses: list[str], best: str) -> None:
    for number, status in enumerate(statuses):
        save_at(convex_deployment, after_noon(number), installation(f"i{number}", status=status))
    save_at(convex_deployment, after_noon(9), installation("other", platform="discord"))
    save_at(convex_deployment, after_noon(9), installation("another", agent_id="agent-2"))

    found = ConvexStore(convex_deployment).channels.get_installation_by_agent("slack", "agent-1")

    assert found is not None
    assert found.id == best


# The platform calls a webhook: of two installations with it the one saved last is meant.
def test_a_webhook_means_the_newest_installation(convex_deployment: Deployment) -> None:
    save_at(convex_deployment, after_noon(2), installation("newer", webhook_id="hook-1"))
    save_at(convex_deployment, after_noon(1), installation("older", webhook_id="hook-1"))
    save_at(convex_deployment, after_noon(3), installation("other", webhook_id="hook-2"))

    found = ConvexStore(convex_deployment).channels.get_installation_by_webhook_id("hook-1")

    assert found is not None
    assert found.id == "newer"


# The list of a platform, newest first by when they were made, not by when they were saved last.
def test_installations_come_newest_first(convex_deployment: Deployment) -> None:
    for installation_id, made, saved in (("a", 1, 30), ("b", 3, 10), ("c", 2, 20)):
        save_at(convex_deployment, after_noon(saved), installation(installation_id, created_at=after_noon(made)))
    save_at(convex_deployment, after_noon(40), installation("d", platform="discord"))

    listed = ConvexStore(convex_deployment).channels.list_installations("slack")

    assert ids_of(listed) == ["b", "c", "a"]


# One of two goes.
def test_an_installation_is_deleted(channels: ConvexChannels) -> None:
    channels.save_installation(installation("a"))
    channels.save_installation(installation("b"))

    channels.delete_installation("a")

    assert ids_of(channels.list_installations("slack")) == ["b"]


# Data that are no JSON are an error with the row's name, wherever the row is read.
@pytest.mark.parametrize(
    "read",
    [
        lambda channels: channels.get_installation("bad"),
        lambda channels: channels.list_installations("slack"),
        lambda channels: channels.get_installation_by_agent("slack", "agent-1"),
    ],
    ids=["get", "list", "by-agent"],
)
def test_malformed_data_are_an_error(convex_deployment: Deployment, read: Any) -> None:
    record = {
        "id": "bad",
        "platform": "slack",
        "agentId": "agent-1",
        "status": "active",
        "data": "{not json",
        "createdAt": "2026-11-21T12:00:00.000Z",
        "updatedAt": "2026-11-21T12:00:00.000Z",
    }
    send(convex_deployment, "insert", INSTALLATIONS, record=record)

    with pytest.raises(StorageError, match="Invalid channel data JSON for installation bad"):
        read(ConvexStore(convex_deployment).channels)


# Configurations


# One configuration a platform; the time is the caller's.
def test_a_configuration_is_read_as_it_was_saved(channels: ConvexChannels) -> None:
    config = ChannelConfig(platform="slack", data={"$ref": "x"}, updated_at=after_noon(milliseconds=1))

    channels.save_config(config)

    assert channels.get_config("slack") == config
    assert channels.get_config("discord") is None


# A rotated secret replaces the old one, of this platform only.
def test_saving_again_overwrites_the_configuration(channels: ConvexChannels) -> None:
    for platform, secret in (("slack", "old"), ("discord", "other"), ("slack", "new")):
        channels.save_config(ChannelConfig(platform=platform, data={"secret": secret}, updated_at=NOON))

    found = [channels.get_config(platform) for platform in ("slack", "discord")]

    assert [config and config.data for config in found] == [{"secret": "new"}, {"secret": "other"}]


# Deleting is repeated without harm.
def test_a_configuration_is_deleted(channels: ConvexChannels) -> None:
    channels.save_config(ChannelConfig(platform="slack", data={}, updated_at=NOON))

    channels.delete_config("slack")
    channels.delete_config("slack")

    assert channels.get_config("slack") is None


# Both tables are emptied.
def test_clearing_takes_installations_and_configurations(channels: ConvexChannels) -> None:
    channels.save_installation(installation("a"))
    channels.save_config(ChannelConfig(platform="slack", data={}, updated_at=NOON))

    channels.dangerously_clear_all()

    assert channels.list_installations("slack") == []
    assert channels.get_config("slack") is None
