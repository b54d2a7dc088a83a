"""A headless Chromium, told what to do through its DevTools protocol: what a person sees and does, without a driver."""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
HOW_TO_GET_IT = (
    f"No Chromium (looked for: {', '.join(PROGRAMS)}). "
    "Get one with: apt-get install --no-install-recommends chromium-headless-shell"
)
# Nothing that asks the network on its own account: a test shows that no request leaves.
SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)
ANSWER_SECONDS_MAX = 30


class Page:
    """One tab.

    Attributes:
        complaints: what the console shows as errors and warnings, and exceptions.
        requests: the addresses that were asked for.
    """

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)
        self._session: str | None = None
        self._loaded = False
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self._target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=self._target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.resize(1280, 900)

    def call(self, method: str, **parameters: Any) -> Any:
        """One command of the DevTools protocol; what happens meanwhile is written down."""
        number = next(self._numbers)
        command = {"id": number, "method": method, "params": parameters}
        if self._session is not None:
            command["sessionId"] = self._session
        self._connection.send(json.dumps(command))
        while (message := self._receive()).get("id") != number:
            pass
        assert "error" not in message, f"{method}: {message['error']}"
        return message["result"]

    def close(self) -> None:
        """Closes the tab, and its process with it."""
        self._session = None
        self.call("Target.closeTarget", targetId=self._target)

    def resize(self, width: int, height: int) -> None:
        """The window's size in CSS pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    def use_colours(self, scheme: str) -> None:
        """What the person prefers: `light` or `dark`."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, address: str) -> None:
        """Loads a page and waits until it is there."""
        self._loaded = False
        self.call("Page.navigate", url=address)
        while not self._loaded:
            self._receive()

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def texts(self, selector: str) -> list[str]:
        """The visible text of every element that can be seen."""
        return [
            " ".join(text.split())
            for text in self.evaluate(
                f"[...document.querySelectorAll({json.dumps(selector)})]"
                ".filter((element) => element.checkVisibility()).map((element) => element.innerText)"
            )
        ]

    def click(self, selector: str) -> None:
        """A click with the mouse into the middle of an element."""
        x, y = self.evaluate(
            f"(() => {{ const element = document.querySelector({json.dumps(selector)});"
            "element.scrollIntoView({block: 'center'}); const box = element.getBoundingClientRect();"
            "return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def type(self, text: str) -> None:
        """Text into what has the focus."""
        self.call("Input.insertText", text=text)

    def press(self, key: str, text: str = "") -> None:
        """A key of the keyboard, `Tab` or `Enter`."""
        code = {"Tab": 9, "Enter": 13}[key]
        typed = {"text": text} if text else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **typed)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def screenshot(self, path: Path) -> None:
        """What the window shows, as PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def _receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._connection.recv(timeout=ANSWER_SECONDS_MAX))
        parameters = message.get("params", {})
        match message.get("method"):
            case "Page.loadEventFired":
                self._loaded = True
            case "Network.requestWillBeSent":
                self.requests.append(parameters["request"]["url"])
            case "Log.entryAdded":
                self.complaints.append(parameters["entry"]["text"])
            case "Runtime.consoleAPICalled":
                self.complaints.append(" ".join(str(argument.get("value")) for argument in parameters["args"]))
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(parameters["exceptionDetails"]))
        return message


def program() -> str | None:
    """The browser on this machine, if there is one."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


@contextmanager
def chromium(profile: Path) -> Iterator[str]:
    """A running browser with an empty profile; gives the address of its DevTools."""
    executable = program()
    if executable is None:
        raise FileNotFoundError(HOW_TO_GET_IT)
    # Debian's program is a script that starts the browser, which starts more: they are ended as a group.
    running = subprocess.Popen(
        [executable, *SWITCHES, f"--user-data-dir={profile}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with running:
        try:
            yield _address(running)
        finally:
            os.killpg(running.pid, signal.SIGKILL)
            assert running.stderr is not None
            running.stderr.read()  # which ends with the last process that could write to it


@contextmanager
def new_page(address: str) -> Iterator[Page]:
    """A tab in a running browser."""
    with connect(address, proxy=None, open_timeout=ANSWER_SECONDS_MAX, max_size=None) as connection:
        page = Page(connection)
        yield page
        page.close()


def _address(running: subprocess.Popen[bytes]) -> str:
    assert running.stderr is not None
    printed = []
    for line in running.stderr:
        printed.append(line.decode(errors="replace"))
        if "DevTools listening on " in printed[-1]:
            return printed[-1].partition("DevTools listening on ")[2].strip()
    raise RuntimeError("Chromium ended before it could be used:\n" + "".join(printed))
