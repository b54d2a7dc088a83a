"""What tests begin with: seeded once, and handed to each test as a copy that is rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

from convex_mastra_emulator import Deployment
from pytest_mastra_convex.targets import Load, Place, Setup, Target


class Template:
    """The beginning of every test of a session; empty unless :meth:`seed` is called.

    Args:
        target: where deployments come from.
        setup: what they are like.
    """

    def __init__(self, target: Target, setup: Setup) -> None:
        self.target = target
        self._setup = setup

    @property
    def setup(self) -> Setup:
        """What its deployments are like."""
        return self._setup

    def seed(self, load: Load) -> None:
        """Lets every deployment begin with what ``load(deployment)`` stores.

        On the emulator and on a server it runs once and each test is rolled back to it; on other targets it runs
        before every test.
        """
        self._setup = replace(self._setup, loads=(*self._setup.loads, load))

    def place(self, setup: Setup | None = None) -> AbstractContextManager[Place]:
        """A deployment for one test."""
        return self.target.place(setup or self._setup)


@contextmanager
def fresh(template: Template) -> Iterator[Deployment]:
    """A deployment as the template has it, for the block; what is written in it is gone afterwards.

    For examples of hypothesis, which all run inside one test:

    >>> @given(threads())                                     # doctest: +SKIP
    ... def test_thread_comes_back(convex_template, thread):
    ...     with fresh(convex_template) as deployment:
    ...         ...
    """
    with template.place() as place:
        yield place.deployment
