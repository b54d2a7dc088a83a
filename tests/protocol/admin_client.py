"""An administrator's requests in tests, without a socket; what is done behind requests is done when a test says so."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from convex_mastra_emulator import Emulator
from convex_mastra_emulator.protocol.api import DeploymentApi
from convex_mastra_emulator.protocol.http_exchange import HttpRequest, HttpResponse
from tests.protocol.sync_client import ADMIN_KEY, SyncClient, api_of

Answer = tuple[int, Any]


class AdminClient:
    """What an administrator's tools send to one deployment; ``key=None`` sends as nobody.

    Attributes:
        api: the deployment's protocols.
        emulator: the deployment.
    """

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.api: DeploymentApi = api_of(emulator)

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        key: str | None = ADMIN_KEY,
        content_type: str = "application/json",
        **parameters: Any,
    ) -> HttpResponse:
        headers = {"content-type": content_type}
        if key is not None:
            headers["authorization"] = f"Convex {key}"
        query = urlencode(parameters)
        return self.api.http.handle(HttpRequest(method=method, path=path, query=query, headers=headers, body=body))[0]

    def post(self, path: str, value: Any = None, *, key: str | None = ADMIN_KEY, **parameters: Any) -> Answer:
        """Posts JSON; gives the status and what is in the body, if there is anything."""
        body = b"" if value is None else json.dumps(value).encode()
        return answer(self.request("POST", path, body=body, key=key, **parameters))

    def get(self, path: str, *, key: str | None = ADMIN_KEY) -> Answer:
        return answer(self.request("GET", path, key=key))

    def work(self) -> int:
        """Does what waits behind the requests; gives how many things that were."""
        return self.emulator.scheduler.run_due()

    def query(self, path: str, args: Mapping[str, Any] | None = None) -> Any:
        """The value of a query."""
        return self.emulator.query(path, args or {})

    def live(self) -> SyncClient:
        """A socket of an administrator."""
        client = SyncClient(self.api, client="npm-1.48.0")
        client.send(type="Authenticate", baseVersion=0, tokenType="Admin", value=ADMIN_KEY)
        client.update()
        return client

    # Imports

    def upload(self, data: bytes, **described: Any) -> str:
        """Uploads a file in one part; gives the id of its import."""
        token = self.post("/api/import/start_upload")[1]["uploadToken"]
        part = self.send_part(token, 1, data)[1]
        body = {"import": described, "uploadToken": token, "partTokens": [part]}
        status, told = self.post("/api/import/finish_upload", body)
        assert status == 200, told
        return str(told["importId"])

    def send_part(self, token: str, number: Any, data: bytes, *, key: str | None = ADMIN_KEY) -> Answer:
        response = self.request(
            "POST",
            "/api/import/upload_part",
            body=data,
            key=key,
            content_type="application/octet-stream",
            uploadToken=token,
            partNumber=number,
        )
        return answer(response)

    def import_state(self, import_id: str) -> Any:
        return self.query("_system/cli/queryImport", {"importId": import_id})["state"]

    def import_all(self, data: bytes, **described: Any) -> Any:
        """Uploads, confirms, and imports; gives the state in the end."""
        import_id = self.upload(data, **described)
        self.work()
        assert self.post("/api/perform_import", {"importId": import_id}) == (200, None)
        self.work()
        return self.import_state(import_id)


def answer(response: HttpResponse) -> Answer:
    return response.status, json.loads(response.body) if response.body else None
