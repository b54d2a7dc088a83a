"""Records made up by Faker: the same for the same seed, and taken by every store."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from faker import Faker

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.stores import ConvexServerCache, ConvexStore, ConvexVector
from pytest_mastra_convex.factories import MastraFactory, MastraProvider

KINDS = (
    "resource",
    "thread",
    "message",
    "observational_memory",
    "workflow_snapshot",
    "score",
    "schedule",
    "schedule_trigger",
    "background_task",
    "channel_installation",
    "channel_config",
    "vector",
    "cache_entry",
)


def factory_of(seed: str | int) -> MastraFactory:
    return MastraFactory(Emulator(), seed)


def one_of_each(factory: MastraFactory) -> dict[str, Any]:
    return {kind: getattr(factory, kind)() for kind in KINDS}


@pytest.mark.parametrize("seed", ["tests/test_search.py::test_it[a]", 7])
def test_same_seed_gives_same_records(seed: str | int) -> None:
    assert repr(one_of_each(factory_of(seed))) == repr(one_of_each(factory_of(seed)))


@pytest.mark.parametrize("kind", KINDS)
def test_other_seed_gives_other_records(kind: str) -> None:
    assert getattr(factory_of("a"), kind)() != getattr(factory_of("b"), kind)()


# Two factories on one deployment must not overwrite each other's records.
def test_ids_are_unique() -> None:
    factories = [factory_of("a"), factory_of("a2")]
    ids = [factory.thread().id for factory in factories for _ in range(100)]

    assert len(set(ids)) == 200


def test_times_begin_at_a_fixed_moment_and_go_on() -> None:
    factory = factory_of("a")

    moments = [factory.thread().created_at for _ in range(3)]

    first = datetime(2026, 1, 1, 9, tzinfo=UTC)
    assert moments == [first, first + timedelta(seconds=1), first + timedelta(seconds=2)]


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("resource", "working_memory", None),
        ("thread", "title", "Weather"),
        ("message", "content", "plain"),
        ("message", "created_at", datetime(2030, 1, 1, tzinfo=UTC)),
        ("observational_memory", "generation_count", 3),
        ("workflow_snapshot", "snapshot", {"status": "failed"}),
        ("score", "score", 0.25),
        ("schedule", "cron", "0 0 * * *"),
        ("schedule_trigger", "outcome", "failed"),
        ("background_task", "status", "failed"),
        ("channel_installation", "platform", "irc"),
        ("channel_config", "platform", "irc"),
        ("vector", "vector", [1.0]),
        ("cache_entry", "value", [1]),
    ],
)
def test_fields_have_the_values_given(kind: str, field: str, value: Any) -> None:
    record = getattr(factory_of("a"), kind)(**{field: value})

    assert getattr(record, field) == value


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_fields_are_refused(kind: str) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        getattr(factory_of("a"), kind)(colour="red")


@pytest.mark.parametrize(
    ("role", "kinds"), [("user", ["text"]), ("assistant", ["step-start", "text"]), ("tool", ["tool-invocation"])]
)
def test_messages_say_what_their_role_says(role: str, kinds: list[str]) -> None:
    factory = factory_of("a")
    thread = factory.thread()

    message = factory.message(thread, role=role)

    assert (message.role, message.thread_id, message.resource_id) == (role, thread.id, thread.resource_id)
    assert [part["type"] for part in message.content["parts"]] == kinds


def test_messages_of_other_roles_need_their_content() -> None:
    factory = factory_of("a")

    assert factory.message(role="system", content="Be brief.").content == "Be brief."
    with pytest.raises(ValueError, match="role must be one of user, assistant, tool where no content is given"):
        factory.message(role="system")


def test_snapshot_is_that_of_the_run() -> None:
    run = factory_of("a").workflow_snapshot(run_id="mine")

    assert run.snapshot["runId"] == run.run_id == "mine"


# A platform has one configuration, so a second one would overwrite the first.
def test_channel_configs_are_of_different_platforms() -> None:
    factory = factory_of("a")

    assert len({factory.channel_config().platform for _ in range(20)}) == 20


def test_provider_works_without_the_factory() -> None:
    faker = Faker("en_US")
    faker.seed_instance("a")
    faker.add_provider(MastraProvider)

    assert faker.mastra_thread(title="Weather").title == "Weather"


def test_factory_has_a_faker_for_the_rest() -> None:
    assert factory_of("a").faker.name() == factory_of("a").faker.name()
    assert factory_of("a").faker.mastra_thread().title


# How every record is saved by the store it is for, and read back.
SAVE_AND_READ: dict[str, tuple[Callable[[ConvexStore, Any], object], Callable[[ConvexStore, Any], object]]] = {
    "resource": (
        lambda store, it: store.memory.save_resource(resource=it),
        lambda store, it: store.memory.get_resource_by_id(resource_id=it.id),
    ),
    "thread": (
        lambda store, it: store.memory.save_thread(thread=it),
        lambda store, it: store.memory.get_thread_by_id(thread_id=it.id),
    ),
    "message": (
        lambda store, it: store.memory.save_messages(messages=[it]),
        lambda store, it: store.memory.list_messages(thread_id=it.thread_id).messages[0],
    ),
    "observational_memory": (
        lambda store, it: store.memory.insert_observational_memory_record(it),
        lambda store, it: store.memory.get_observational_memory(it.thread_id, it.resource_id),
    ),
    "schedule": (
        lambda store, it: store.schedules.create_schedule(it),
        lambda store, it: store.schedules.get_schedule(it.id),
    ),
    "schedule_trigger": (
        lambda store, it: store.schedules.record_trigger(it),
        lambda store, it: store.schedules.list_triggers(it.schedule_id)[0],
    ),
    "background_task": (
        lambda store, it: store.background_tasks.create_task(it),
        lambda store, it: store.background_tasks.get_task(it.id),
    ),
    "channel_config": (
        lambda store, it: store.channels.save_config(it),
        lambda store, it: store.channels.get_config(it.platform),
    ),
}


@pytest.mark.parametrize("kind", list(SAVE_AND_READ))
def test_records_are_saved_and_read_back(kind: str) -> None:
    factory = factory_of("a")
    store = ConvexStore(factory.deployment)
    save, read = SAVE_AND_READ[kind]

    for _ in range(10):
        record = getattr(factory, kind)()
        save(store, record)

        assert read(store, record) == record


def test_installation_is_saved_and_read_back() -> None:
    factory = factory_of("a")
    store = ConvexStore(factory.deployment, clock=lambda: installation.created_at or datetime.now(UTC))
    installation = factory.channel_installation()

    store.channels.save_installation(installation)

    assert store.channels.get_installation(installation.id) == installation


def test_run_is_saved_and_read_back() -> None:
    factory = factory_of("a")
    workflows = ConvexStore(factory.deployment).workflows
    run = factory.workflow_snapshot()

    workflows.persist_workflow_snapshot(**{name: getattr(run, name) for name in run.__slots__})

    assert workflows.get_workflow_run_by_id(run_id=run.run_id) == run


def test_score_is_saved_and_read_back() -> None:
    factory = factory_of("a")
    scores = ConvexStore(factory.deployment).scores
    score = factory.score()

    saved = scores.save_score(score)

    read = scores.get_score_by_id(id=saved.id)
    assert read == saved
    assert (saved.input, saved.score, saved.reason) == (score.input, score.score, score.reason)


def test_vector_and_cache_entry_are_saved_and_read_back() -> None:
    factory = factory_of("a")
    vectors, cache = ConvexVector(factory.deployment), ConvexServerCache(factory.deployment)
    entry, cached = factory.vector(5), factory.cache_entry()

    vectors.upsert("docs", ids=[entry.id], vectors=[entry.vector], metadata=[entry.metadata])
    cache.set(cached.key, cached.value)

    (found,) = vectors.query("docs", query_vector=entry.vector, include_vector=True)
    assert (found.id, found.vector, found.metadata) == (entry.id, entry.vector, entry.metadata)
    assert cache.get(cached.key) == cached.value
