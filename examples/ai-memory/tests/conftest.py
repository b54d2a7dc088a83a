"""The app on a deployment, with a model of the tests' own.

On the emulator ``fetch`` is answered here. A deployment elsewhere asks a small server on this machine, whose address
it finds in ``OPENAI_BASE_URL``. Tests see no difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fake_model import KEY, FakeModel, served
from users import User
from variables import DeployedVariables, Variables

from convex_mastra_emulator import Deployment, Emulator, FetchRequest, FetchResponse
from pytest_mastra_convex.waiting import WaitUntil


@pytest.fixture
def variables(convex_deployment: Deployment, request: pytest.FixtureRequest) -> Iterator[Variables]:
    """The deployment's environment variables; those that tests set are gone afterwards."""
    if isinstance(convex_deployment, Emulator):
        yield convex_deployment.env
        return
    url, admin_key = request.getfixturevalue("convex_url"), request.getfixturevalue("convex_admin_key")
    variables = DeployedVariables(url, admin_key)
    yield variables
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        del variables[name]


@pytest.fixture
def model(convex_deployment: Deployment, variables: Variables) -> Iterator[FakeModel]:
    """What the app takes for OpenAI."""
    model = FakeModel()
    variables["OPENAI_API_KEY"] = KEY
    if isinstance(convex_deployment, Emulator):
        convex_deployment.fetch.respond("https://api.openai.com/v1/*", answering(model), method="POST")
        yield model
        return
    with served(model) as url:
        variables["OPENAI_BASE_URL"] = url
        yield model


def answering(model: FakeModel) -> Callable[[FetchRequest], FetchResponse]:
    """The model as what answers ``fetch``."""

    def answer(request: FetchRequest) -> FetchResponse:
        answer = model.answer(request.headers, request.json())
        return FetchResponse.of(status=answer.status, json=answer.body)

    return answer


@pytest.fixture
def new_user(
    convex_deployment: Deployment, convex_wait_until: WaitUntil, convex_prefix: str, model: FakeModel
) -> Iterator[Callable[[str], User]]:
    """Makes users, of whom nothing stays."""
    users: list[User] = []

    def make(name: str) -> User:
        # Where others are too, the prefix makes it nobody else's name.
        users.append(User(convex_deployment, convex_wait_until, f"{convex_prefix}{name}"))
        return users[-1]

    yield make
    for user in users:
        user.leaves()


@pytest.fixture
def ada(new_user: Callable[[str], User]) -> User:
    """A user."""
    return new_user("ada")


@pytest.fixture
def bob(new_user: Callable[[str], User]) -> User:
    """Another one."""
    return new_user("bob")
