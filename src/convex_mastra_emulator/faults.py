"""Faults on demand: what goes wrong with calls, where, how often, how probably; decided here and done elsewhere.

A fault is armed when it is made.  Each call is shown to the armed faults in that order; the first one with an error
that strikes decides, and the delays of all that strike add up.  Every fault draws from a random source of its own, so
that another fault beside it changes nothing.
"""

from __future__ import annotations

import functools
import inspect
import random
import re
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import ParamSpec, TypeVar

from convex_mastra_emulator.fault_arguments import Error, check_count, check_number, checked_error, known_kinds
from convex_mastra_emulator.fault_kinds import ANSWER_FAULTS, REFUSALS, WITH_TEXT, FaultKind, Place, Raised, Strike

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_CLOSE_CODES = (1000, 1001, 1006, 1011, 1012, 1013)


class _Armable:
    """What can be armed: for a ``with`` block, or for the calls of a function it decorates."""

    def __init__(self, faults: Faults, times: int | None) -> None:
        self._faults = faults
        self.times = times
        self.count = 0
        """How often it struck since it was armed."""

    def _restart(self) -> None:
        self.count = 0

    @property
    def _is_used_up(self) -> bool:
        return self.times is not None and self.count >= self.times

    def __enter__(self) -> _Armable:
        self._faults.arm(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.disarm()

    def disarm(self) -> None:
        """Lets it strike no more; nothing if it no longer does."""
        self._faults.disarm(self)

    def __call__(self, test: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
        """Decorates a function: armed anew for each of its calls, and only for these.

        Raises:
            TypeError: for a coroutine or generator function, which would run when the fault is gone again.
        """
        if not callable(test) or inspect.iscoroutinefunction(test) or inspect.isgeneratorfunction(test):
            raise TypeError(f"a fault decorates plain functions, got {test!r}; use `with` inside of it")
        self.disarm()

        @functools.wraps(test)
        def with_fault(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
            with self:
                return test(*args, **kwargs)

        return with_fault


class Fault(_Armable):
    """One fault of calls; made by :meth:`Faults.fail`.

    Attributes:
        path: the path or pattern it strikes at.
        kind: what goes wrong; None for an exception and for a mere delay.
        raised: the exception the function raises.
        times: how often it strikes; None for always.
        probability: of striking, for each call it could.
        after: how many calls pass first.
        delay: seconds by which the answer comes later.
        count: how often it struck since it was armed.
    """

    def __init__(
        self,
        faults: Faults,
        path: str,
        what: FaultKind | Raised | None,
        *,
        times: int | None,
        probability: float,
        after: int,
        delay: float,
        code: str | None,
        message: str | None,
        chance: Callable[[], random.Random],
    ) -> None:
        super().__init__(faults, times)
        self.path = path
        self.kind = what if isinstance(what, FaultKind) else None
        self.raised = None if isinstance(what, FaultKind) else what
        self.probability, self.after, self.delay = probability, after, delay
        self._code, self._message = code, message
        self._new_chance = chance
        self._chance = chance()
        self._passed = 0
        self._places = _places(self)
        self._matches = re.compile(".*".join(map(re.escape, path.split("*"))), re.DOTALL).fullmatch

    def _restart(self) -> None:
        super()._restart()
        self._passed = 0
        self._chance = self._new_chance()

    def __enter__(self) -> Fault:
        super().__enter__()
        return self

    def __str__(self) -> str:
        return f"{self.text} on {self.path}"

    @property
    def text(self) -> str:
        """What it does, in a word or two."""
        if self.kind is not None:
            return self.kind.value
        if self.raised is not None:
            return f"raises {(self.raised if isinstance(self.raised, type) else type(self.raised)).__name__}"
        return f"delay {self.delay:g} s"

    def strikes(self, path: str, place: Place) -> bool:
        """Whether it strikes a call now, which is then counted; the caller holds the lock."""
        if place not in self._places or not self._matches(path) or self._is_used_up:
            return False
        if self._passed < self.after:
            self._passed += 1
            return False
        if self.probability < 1 and self._chance.random() >= self.probability:
            return False
        self.count += 1
        return True

    def strike(self, delay_seconds: float, texts: tuple[str, ...]) -> Strike:
        """What it does to the call it strikes, with the delays of others."""
        return Strike((*texts, self.text), self.kind, self.raised, self._code, self._message, delay_seconds)


class SocketFault(_Armable):
    """The end of a WebSocket at one of its messages; made by :meth:`Faults.close_socket`.

    Attributes:
        at_message: the number of the message that is not sent.
        code: of the close frame; 1006 for none.
        times: how many sockets it ends; None for all.
        count: how many it ended since it was armed.
    """

    def __init__(self, faults: Faults, at_message: int, code: int, times: int | None) -> None:
        super().__init__(faults, times)
        self.at_message = at_message
        self.code = code

    def __enter__(self) -> SocketFault:
        super().__enter__()
        return self

    def __str__(self) -> str:
        return f"close_socket {self.code} at message {self.at_message}"

    def strikes(self, number: int) -> bool:
        """Whether it ends the socket at this message; the caller holds the lock of the faults."""
        if number != self.at_message or self._is_used_up:
            return False
        self.count += 1
        return True


def _places(fault: Fault) -> frozenset[Place]:
    """Where a fault makes sense."""
    if fault.kind is FaultKind.WRITE_CONFLICT:
        return frozenset({Place.COMMIT})
    if fault.kind in ANSWER_FAULTS:
        return frozenset({Place.CLIENT})
    if fault.kind in REFUSALS:
        return frozenset({Place.CLIENT, Place.ACTION})
    if fault.raised is not None:
        return frozenset({Place.CLIENT, Place.ACTION, Place.SCHEDULED, Place.NESTED})
    return frozenset({Place.CLIENT, Place.ACTION, Place.SCHEDULED})


class Faults:
    """The faults of one emulator; iterating gives those that are armed.

    Args:
        seed: makes what depends on a probability repeatable.
        read_path: gives the one form of a function's path, and refuses what is none.

    Attributes:
        armed: the faults of calls that are armed, in the order in which they are asked.
        armed_sockets: those of sockets.
        seed: as given.
    """

    def __init__(self, seed: int | None = None, read_path: Callable[[str], str] = str) -> None:
        self.seed = seed
        self._read_path = read_path
        self._lock = threading.Lock()
        self._made = 0
        # Tuples that are replaced, so that a call can look at them without the lock.
        self.armed: tuple[Fault, ...] = ()
        self.armed_sockets: tuple[SocketFault, ...] = ()

    def fail(
        self,
        path: str,
        error: Error = None,
        *,
        times: int | None = None,
        probability: float = 1.0,
        after: int = 0,
        delay: float = 0.0,
        code: str | None = None,
        message: str | None = None,
    ) -> Fault:
        """Arms a fault: at once, until it is used up, disarmed, or the ``with`` block or decorated function ends.

        Args:
            path: a function's path in any of its forms, or a pattern: ``mastra/*``, ``*``.
            error: a :class:`FaultKind` or its value, or an exception, which the function then raises.
            times: how often it strikes; None for always.  Each try of a mutation that meets a write conflict is one.
            probability: of striking.
            after: how many calls it lets pass first.
            delay: seconds by which the answer comes later.
            code: of the refusal (``refused``, ``overloaded``, ``rate_limited``).
            message: of the refusal.

        Raises:
            ValueError: naming the argument and what was expected.
            TypeError: likewise.
            RequestRefused: for a path that is none.
        """
        what = checked_error(error)
        if what is None and not delay:
            raise ValueError(f"fail() needs error= or delay=; kinds of error are: {known_kinds()}, and any exception")
        check_count("times", times, 1)
        check_count("after", after, 0)
        check_number("probability", probability, 1.0)
        check_number("delay", delay, None)
        if (code is not None or message is not None) and what not in WITH_TEXT:
            raise ValueError(f"code= and message= are for {', '.join(sorted(kind.value for kind in WITH_TEXT))}")
        for name, text in (("code", code), ("message", message)):
            if text is not None and (not isinstance(text, str) or not text):
                raise TypeError(f"{name} must be a text that is not empty, got {text!r}")
        fault = Fault(
            self,
            self._pattern(path),
            what,
            times=times,
            probability=probability,
            after=after or 0,
            delay=delay,
            code=code,
            message=message,
            chance=self._new_chance(),
        )
        self.arm(fault)
        return fault

    def close_socket(self, *, at_message: int, code: int = 1006, times: int | None = 1) -> SocketFault:
        """Arms the end of a WebSocket: it is closed instead of sending one of its messages.

        Args:
            at_message: which, counted from 1 for each socket; pings of the protocol count.
            code: of the close frame; 1006 cuts the connection without one.
            times: how many sockets it ends; None for every socket.

        Raises:
            ValueError: naming the argument and what was expected.
        """
        if at_message is None:
            raise ValueError("at_message must be a whole number of at least 1, got None")
        check_count("at_message", at_message, 1)
        check_count("times", times, 1)
        if code not in _CLOSE_CODES and not (isinstance(code, int) and 3000 <= code <= 4999):
            known = ", ".join(map(str, _CLOSE_CODES))
            raise ValueError(f"code must be one of {known}, or from 3000 to 4999, got {code!r}")
        fault = SocketFault(self, at_message, code, times)
        self.arm(fault)
        return fault

    def clear(self) -> None:
        """Disarms everything; what is armed from now on draws as on a new emulator."""
        with self._lock:
            self.armed, self.armed_sockets = (), ()
            self._made = 0

    def arm(self, fault: _Armable) -> None:
        """Arms a fault that is not armed, from its beginning."""
        with self._lock:
            if fault in self.armed or fault in self.armed_sockets:
                return
            fault._restart()
            if isinstance(fault, Fault):
                self.armed = (*self.armed, fault)
            elif isinstance(fault, SocketFault):
                self.armed_sockets = (*self.armed_sockets, fault)

    def disarm(self, fault: _Armable) -> None:
        """Takes a fault out; nothing if it is not armed."""
        with self._lock:
            self._take_out(fault)

    def _take_out(self, fault: _Armable) -> None:
        self.armed = tuple(other for other in self.armed if other is not fault)
        self.armed_sockets = tuple(other for other in self.armed_sockets if other is not fault)

    def __iter__(self) -> Iterator[Fault | SocketFault]:
        return iter((*self.armed, *self.armed_sockets))

    def __len__(self) -> int:
        return len(self.armed) + len(self.armed_sockets)

    # What the emulator asks

    def strike(self, path: str, place: Place) -> Strike | None:
        """What goes wrong with a call; None for nothing.

        Args:
            path: the one form of the function's path.
            place: where the call is.
        """
        delay_seconds = 0.0
        texts: tuple[str, ...] = ()
        with self._lock:
            for fault in self.armed:
                if not fault.strikes(path, place):
                    continue
                if fault._is_used_up:
                    self._take_out(fault)
                delay_seconds += fault.delay
                if fault.kind is not None or fault.raised is not None:
                    return fault.strike(delay_seconds, texts)
                texts = (*texts, fault.text)
        return Strike(texts, delay_seconds=delay_seconds) if texts else None

    def socket_end(self, number: int) -> SocketFault | None:
        """What ends a socket instead of its message of that number; None for nothing."""
        with self._lock:
            for fault in self.armed_sockets:
                if fault.strikes(number):
                    if fault._is_used_up:
                        self._take_out(fault)
                    return fault
        return None

    def _pattern(self, path: str) -> str:
        if not isinstance(path, str) or not path:
            raise TypeError(f"path must be a function's path or a pattern such as 'mastra/*', got {path!r}")
        return path.replace(".js:", ":") if "*" in path else self._read_path(path)

    def _new_chance(self) -> Callable[[], random.Random]:
        """A source of its own for each fault, the same one in every run with the same seed."""
        self._made += 1
        seed = None if self.seed is None else f"{self.seed}/{self._made}"
        return lambda: random.Random(seed)
