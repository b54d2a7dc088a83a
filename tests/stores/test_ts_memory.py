"""The Python stores against the published TypeScript ones: the same requests, the same answers, the same rows.

Both make the same calls, each on an emulator of its own with the same seed and a clock that stands still, so requests
can be compared as they are.  Then each reads what the other wrote.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from convex_mastra_emulator import Emulator, ManualClock, connect
from convex_mastra_emulator.server import serve
from pytest_mastra_convex.node_project import ensure_npm_project
from tests.stores.ts_calls import Answer, Call, Result, by_python, by_typescript, call


def when(minute: int, ms: int = 0) -> datetime:
    return datetime(2025, 12, 1, 10, minute, 0, ms * 1000, UTC)


def thread(id: str, resource: str, minute: int = 0, **fields: Any) -> dict[str, Any]:
    given = {"id": id, "resourceId": resource, "title": f"Title of {id}", "createdAt": when(minute)}
    return {**given, "updatedAt": when(59 - minute), **fields}


def message(id: str, thread_id: str, minute: int, **fields: Any) -> dict[str, Any]:
    given = {
        "id": id,
        "threadId": thread_id,
        "content": {"format": 2, "parts": [{"type": "text", "text": f"Text of {id}"}]},
        "role": "user",
        "createdAt": when(minute),
        "resourceId": f"{thread_id}.r",
    }
    return {**given, **fields}


def content(**metadata: Any) -> dict[str, Any]:
    return {"format": 2, "parts": [], "metadata": metadata}


def saved_messages(thread_id: str, count: int) -> Call:
    ids = [f"{thread_id}.m{index}" for index in range(count)]
    # Written newest first, two of each minute, so that orders and ties show.
    return call(
        "saveMessages",
        {
            "messages": [
                message(id, thread_id, (count - index) // 2, content=content(number=index, even=index % 2 == 0))
                for index, id in enumerate(ids)
            ]
        },
    )


CHUNK = {
    "cycleId": "cycle-1",
    "observations": "* saw it",
    "tokenCount": 20,
    "messageIds": ["om.m1", "om.m2"],
    "messageTokens": 600,
    "lastObservedAt": when(5),
}
WHOLE_CHUNK = {
    **CHUNK,
    "cycleId": "cycle-2",
    "suggestedContinuation": "Go on",
    "currentTask": "Look",
    "threadTitle": "Seeing",
    "extractedValues": {"mood": "calm", "at": when(6), "half": 0.5},
    "extractionFailures": [{"slug": "mood", "error": "no"}],
}


def buffered(chunk: dict[str, Any]) -> dict[str, Any]:
    """A chunk as Mastra writes it: its fields stand in this order in the stored text."""
    fields = {"id": "ombuf-0", **chunk, "createdAt": when(4)}
    first = [*CHUNK, "createdAt"]
    return {name: fields[name] for name in ["id", *first, *(name for name in chunk if name not in first)]}


STATE = {"status": "running", "context": {"input": {"n": 1}}, "runId": "r", "requestContext": {"a": 1}, "$x": "é"}


def om(method: str, **fields: Any) -> Call:
    return call(method, {"id": "id-om", **fields})


SCENARIOS: dict[str, list[Call]] = {
    "threads": [
        call("getThreadById", {"threadId": "t.missing"}),
        call(
            "saveThread",
            {"thread": thread("t.a", "t.r", 1, metadata={"n": 1.5, "deep": {"at": when(1), "none": None}})},
        ),
        call("saveThread", {"thread": thread("t.b", "t.r", 2, title="", metadata={"flag": True, "n": 1})}),
        call("saveThread", {"thread": thread("t.c", "t.r", 2)}),
        call("saveThread", {"thread": thread("t.c", "t.r", 2, title="Again")}),
        call("saveThread", {"thread": {name: item for name, item in thread("t.d", "t.r").items() if name != "title"}}),
        call("getThreadById", {"threadId": "t.a"}),
        call("getThreadById", {"threadId": "t.a", "resourceId": "t.r"}),
        call("getThreadById", {"threadId": "t.a", "resourceId": ""}),
        call("saveThread", {"thread": Result(of=6)}),
        call("updateThread", {"id": "t.a", "title": "New", "metadata": {"more": [1, "x"]}}),
        call("updateThread", {"id": "t.missing", "title": "New", "metadata": {}}),
        call("updateThread", {"id": "t.a", "metadata": {"only": 1}}),
        call("patchThread", {"id": "t.a", "metadata": {"patched": 1}}),
        call("patchThread", {"id": "t.a", "title": "Patched"}),
        call("patchThread", {"id": "t.missing", "title": "Patched"}),
    ],
    "list of threads": [
        *(
            call("saveThread", {"thread": thread(f"l.{i}", f"l.r{i % 2}", i // 2, metadata={"n": i % 3, "b": i == 1})})
            for i in range(7)
        ),
        call("listThreads", {"filter": {"resourceId": "l.r0"}}),
        call("listThreads", {"filter": {"resourceId": "l.r0"}, "orderBy": {"field": "updatedAt", "direction": "ASC"}}),
        call("listThreads", {"filter": {"resourceId": "l.r0"}, "orderBy": {"field": "title", "direction": "UP"}}),
        call("listThreads", {"filter": {"resourceId": "l.r0"}, "perPage": 2, "page": 1}),
        call("listThreads", {"filter": {"resourceId": "l.r0"}, "perPage": 0}),
        call("listThreads", {"filter": {"resourceId": "l.r0"}, "perPage": False}),
        call("listThreads", {"filter": {"resourceId": "l.r1", "metadata": {"n": 1, "b": True}}}),
        call("listThreads", {"filter": {"resourceId": "l.r1", "metadata": {"b": 1}}}),
        call("listThreads", {"filter": {"resourceId": "l.r1", "metadata": {"absent": None}}}),
        call("listThreads", {"filter": {"resourceId": ""}, "perPage": 1}),
        call("listThreads", {"page": -1}),
        call("listThreads", {"page": 0.5}),
        call("listThreads", {"perPage": -1}),
        call("listThreads", {"perPage": 1.5}),
        call("listThreads", {"perPage": True}),
        call("listThreads", {"perPage": False, "page": 1}),
        call("listThreads", {"perPage": 2**52, "page": 4}),
        call("listThreads", {"perPage": float("nan")}),
        call("listThreads", {"filter": {"metadata": {"a-b": 1, "c": 2}}}),
        call("listThreads", {"filter": {"metadata": {"constructor": 1}}}),
        call("listThreads", {"filter": {"metadata": {"k" * 129: 1}}}),
    ],
    "threads and their messages": [
        call("saveThread", {"thread": thread("d.a", "d.r")}),
        call("saveThread", {"thread": thread("d.b", "d.r")}),
        saved_messages("d.a", 3),
        saved_messages("d.b", 2),
        call("deleteThread", {"threadId": "d.a"}),
        call("deleteThread", {"threadId": "d.missing"}),
        call("getThreadById", {"threadId": "d.a"}),
        call("listMessages", {"threadId": ["d.a", "d.b"]}),
        call("updateThreadResourceId", {"threadId": "d.b", "resourceId": "d.other"}),
        call("updateThreadResourceId", {"threadId": "d.b", "resourceId": "d.other"}),
        call("updateThreadResourceId", {"threadId": "d.missing", "resourceId": "d.other"}),
        call("listMessages", {"threadId": "d.b"}),
    ],
    "saving messages": [
        call("saveThread", {"thread": thread("s.t", "s.r")}),
        call("saveMessages", {"messages": []}),
        call(
            "saveMessages", {"messages": [message("s.1", "s.t", 2), message("s.2", "s.u", 1), message("s.3", "s.t", 2)]}
        ),
        call("saveMessages", {"messages": [message("s.4", "s.t", 1), message("s.5", "", 1)]}),
        call("saveMessages", {"messages": [message("s.4", "s.t", 1, resourceId="")]}),
        call("saveMessages", {"messages": [message("s.1", "s.u", 2, role="assistant", type="text")]}),
        call(
            "saveMessages",
            {
                "messages": [
                    message("s.6", "s.t", 3),
                    message("s.7", "s.t", 3),
                    message("s.6", "s.t", 3, content={"format": 2, "parts": [{"type": "text", "text": "Other"}]}),
                    message("s.7", "s.t", 3, type="text"),
                ]
            },
        ),
        call(
            "saveMessages",
            {
                "messages": [
                    message("s.8", "s.t", 4, content="A text"),
                    message("s.9", "s.t", 4, role="tool", content=[{"type": "text", "text": "In a list"}]),
                    message("s.10", "s.t", 4, content={"parts": [{"type": "text", "text": "No format"}]}),
                    message("s.11", "s.t", 4, role="system", content="You are"),
                    message("s.12", "s.t", 4, content={"format": 2, "parts": [None, 1, {"type": "step-start"}]}),
                    message("s.13", "s.t", 4, role="signal", content={"format": 2}),
                ]
            },
        ),
        call("saveMessages", {"messages": [message("s.14", "s.t", 5, content=None)]}),
        call("saveMessages", {"messages": [message("s.15", "s.t", 5, role="signal", content="A text")]}),
        call(
            "saveMessages",
            {
                "messages": [
                    message(
                        "s.16",
                        "s.t",
                        6,
                        content={
                            "format": 2,
                            "parts": [
                                {
                                    "type": "tool-invocation",
                                    "toolInvocation": {
                                        "state": "result",
                                        "toolCallId": "c1",
                                        "toolName": "f",
                                        "args": {"x": 1.0, "10": 1e21, "9": 1e-7},
                                        "result": {"when": when(9), "text": "“quoted”\u2028\u007f\u0001"},
                                    },
                                }
                            ],
                            "toolInvocations": [{"state": "result", "toolCallId": "c1", "toolName": "f", "args": {}}],
                        },
                    )
                ]
            },
        ),
        call("listMessages", {"threadId": "s.t"}),
        call("listMessagesById", {"messageIds": [f"s.{i}" for i in range(14)]}),
        call("listMessagesById", {"messageIds": ["s.14"]}),
        call("listMessagesById", {"messageIds": []}),
        call("listMessagesById", {"messageIds": ["s.3", "s.3", "s.absent", "s.2"]}),
    ],
    "updating and deleting messages": [
        call("saveThread", {"thread": thread("u.t", "u.r")}),
        call(
            "saveMessages",
            {
                "messages": [
                    message("u.1", "u.t", 1, content=content(a=1, b={"c": 1})),
                    message("u.2", "u.t", 2, content="ab"),
                    message("u.3", "u.t", 3),
                ]
            },
        ),
        call("updateMessages", {"messages": []}),
        call("updateMessages", {"messages": [{"id": "u.absent", "role": "assistant"}]}),
        call(
            "updateMessages",
            {
                "messages": [
                    {"id": "u.3", "role": "assistant", "type": "text", "threadId": "u.u", "resourceId": "u.s"},
                    {"id": "u.1", "content": {"metadata": {"b": {"d": 2}}, "content": "More"}},
                    {"id": "u.1", "content": {"metadata": {"e": 3}}},
                    {"id": "u.2", "content": {"content": "More"}},
                ]
            },
        ),
        call("updateMessages", {"messages": [{"id": "u.1", "resourceId": None}]}),
        call("listMessages", {"threadId": ["u.t", "u.u"]}),
        call("deleteMessages", []),
        call("deleteMessages", ["u.1", "u.absent", "u.1"]),
        call("listMessages", {"threadId": ["u.t", "u.u"]}),
    ],
    "list of messages": [
        saved_messages("m.t", 6),
        saved_messages("m.u", 3),
        call("listMessages", {"threadId": "m.t"}),
        call("listMessages", {"threadId": ["m.u", "m.t"]}),
        call("listMessages", {"threadId": "m.t", "orderBy": {"field": "createdAt", "direction": "DESC"}}),
        call("listMessages", {"threadId": "m.t", "orderBy": {"field": "updatedAt", "direction": "DESC"}}),
        call("listMessages", {"threadId": "m.t", "perPage": 4}),
        call("listMessages", {"threadId": "m.t", "perPage": 4, "page": 1}),
        call("listMessages", {"threadId": "m.t", "perPage": False}),
        call("listMessages", {"threadId": "m.t", "perPage": 0}),
        call("listMessages", {"threadId": ["m.t", "m.u"], "resourceId": "m.t.r"}),
        call("listMessages", {"threadId": "m.t", "resourceId": ""}),
        call("listMessages", {"threadId": "m.t", "filter": {"dateRange": {"start": when(1), "end": when(2)}}}),
        call(
            "listMessages",
            {"threadId": "m.t", "filter": {"dateRange": {"start": when(1), "startExclusive": True}}},
        ),
        call(
            "listMessages",
            {"threadId": "m.t", "filter": {"dateRange": {"end": "2025-12-01T10:03:00Z", "endExclusive": True}}},
        ),
        call("listMessages", {"threadId": "m.t", "perPage": 2, "filter": {"metadata": {"even": True}}}),
        call("listMessages", {"threadId": "m.t", "filter": {"metadata": {"even": 1}}}),
        call("listMessages", {"threadId": "m.t", "filter": {"metadata": {"absent": None}}}),
        call("listMessages", {"threadId": "m.t", "filter": {"metadata": {}}}),
        call("listMessages", {"threadId": " ", "filter": {"metadata": ["even"]}}),
        call("listMessages", {"threadId": " ", "filter": {"metadata": {"a-b": 1}}}),
        call("listMessages", {"threadId": "m.t", "filter": {"metadata": {"a": [1]}}}),
        call("listMessages", {"threadId": "m.t", "filter": {"metadata": {"a": float("nan")}}}),
        call("listMessages", {"threadId": " "}),
        call("listMessages", {"threadId": []}),
        call("listMessages", {"threadId": ["m.t", ""]}),
        call("listMessages", {"threadId": "m.t", "perPage": -1}),
        call("listMessages", {"threadId": "m.t", "page": -1}),
    ],
    "included messages": [
        saved_messages("i.t", 8),
        saved_messages("i.u", 5),
        call(
            "listMessages", {"threadId": "i.t", "perPage": 0, "include": [{"id": "i.t.m4", "withPreviousMessages": 2}]}
        ),
        call("listMessages", {"threadId": "i.t", "perPage": 0, "include": [{"id": "i.t.m4", "withNextMessages": 1}]}),
        call(
            "listMessages",
            {
                "threadId": "i.t",
                "perPage": 2,
                "include": [
                    {"id": "i.t.m4", "withPreviousMessages": 1, "withNextMessages": 1},
                    {"id": "i.u.m2", "withPreviousMessages": 9, "withNextMessages": 9},
                    {"id": "i.u.m1", "withNextMessages": 1},
                    {"id": "i.absent"},
                ],
            },
        ),
        call("listMessages", {"threadId": "i.t", "perPage": False, "include": [{"id": "i.u.m0"}]}),
        call("listMessages", {"threadId": "i.t", "perPage": False, "include": []}),
        call("listMessages", {"threadId": ["i.t"], "perPage": 3, "include": [{"id": "i.t.m0"}]}),
        call(
            "listMessages",
            {
                "threadId": "i.t",
                "perPage": 2,
                "filter": {"metadata": {"even": True}},
                "include": [{"id": "i.t.m3", "withPreviousMessages": 2}, {"id": "i.t.m5"}],
                "orderBy": {"field": "createdAt", "direction": "DESC"},
            },
        ),
    ],
    "messages of a resource": [
        saved_messages("r.t", 5),
        call("saveMessages", {"messages": [message("r.u.m1", "r.u", 1, resourceId="r.t.r")]}),
        call("listMessagesByResourceId", {"resourceId": "r.t.r"}),
        call("listMessagesByResourceId", {"resourceId": "r.absent"}),
        call("listMessagesByResourceId", {"resourceId": "r.t.r", "perPage": 2, "page": 2}),
        call(
            "listMessagesByResourceId",
            {"resourceId": "r.t.r", "perPage": 2, "orderBy": {"field": "createdAt", "direction": "DESC"}},
        ),
        call("listMessagesByResourceId", {"resourceId": "r.t.r", "perPage": 0}),
        call("listMessagesByResourceId", {"resourceId": "r.t.r", "perPage": False}),
        call("listMessagesByResourceId", {"resourceId": "r.t.r", "perPage": False, "page": 1}),
        call("listMessagesByResourceId", {"resourceId": "r.t.r", "page": -1}),
        call("listMessagesByResourceId", {"resourceId": "r.t.r", "page": 0.5}),
        call("listMessagesByResourceId", {"resourceId": "r.t.r", "perPage": -1}),
        call("listMessagesByResourceId", {"resourceId": "r.t.r", "filter": {"metadata": {"even": False}}}),
        call("listMessagesByResourceId", {"resourceId": "r.t.r", "filter": {"dateRange": {"end": when(1)}}}),
    ],
    "resources": [
        call("getResourceById", {"resourceId": "w.absent"}),
        call(
            "saveResource", {"resource": {"id": "w.a", "workingMemory": "", "createdAt": when(1), "updatedAt": when(2)}}
        ),
        call("getResourceById", {"resourceId": "w.a"}),
        call("updateResource", {"resourceId": "w.a", "workingMemory": "Memory"}),
        call("updateResource", {"resourceId": "w.a", "metadata": {"a": 1, "at": when(1)}}),
        call("updateResource", {"resourceId": "w.a", "metadata": {"b": 2}, "workingMemory": ""}),
        call("updateResource", {"resourceId": "w.new", "metadata": {"b": 2}}),
        call("updateResource", {"resourceId": "w.bare"}),
        call("getResourceById", {"resourceId": "w.a"}),
        call("saveResource", {"resource": Result(of=8)}),
    ],
    "observational memory": [
        call("getObservationalMemory", None, "o.r"),
        call(
            "initializeObservationalMemory",
            {
                "threadId": "o.t",
                "resourceId": "o.r",
                "scope": "thread",
                "config": {"a": {"b": 1}},
                "observedTimezone": "UTC",
            },
        ),
        call(
            "initializeObservationalMemory",
            {"threadId": None, "resourceId": "o.r", "scope": "resource", "config": {}},
        ),
        call("getObservationalMemory", None, "o.r"),
        call(
            "createReflectionGeneration",
            {"currentRecord": Result(of=1), "reflection": "Reflected", "tokenCount": 7},
        ),
        call("getObservationalMemory", "o.t", "o.r"),
        call("getObservationalMemoryHistory", "o.t", "o.r"),
        call("getObservationalMemoryHistory", "o.t", "o.r", 1),
        call("getObservationalMemoryHistory", "o.t", "o.r", 10, {"from": when(0), "to": when(1), "offset": 1}),
        call("clearObservationalMemory", "o.t", "o.r"),
        call("clearObservationalMemory", "o.t", "o.r"),
        call("getObservationalMemoryHistory", "o.t", "o.r"),
        call("getObservationalMemory", None, "o.r"),
    ],
    "observations and reflections": [
        call(
            "insertObservationalMemoryRecord",
            {
                "id": "id-om",
                "scope": "thread",
                "threadId": "om.t",
                "resourceId": "om.r",
                "createdAt": when(1),
                "updatedAt": when(2),
                "lastObservedAt": when(3),
                "originType": "initial",
                "generationCount": 2,
                "activeObservations": "One\nTwo",
                "bufferedObservationChunks": [buffered(WHOLE_CHUNK)],
                "observedMessageIds": ["om.m0"],
                "totalTokensObserved": 11,
                "observationTokenCount": 5,
                "pendingMessageTokens": 2000,
                "lastBufferedAtTokens": 3,
                "lastBufferedAtTime": when(4),
                "isReflecting": True,
                "isObserving": False,
                "isBufferingObservation": True,
                "isBufferingReflection": False,
                "config": {"model": {"name": "x", "list": [1, 2]}},
                "metadata": {"a": 1},
            },
        ),
        call("getObservationalMemory", "om.t", "om.r"),
        om("updateActiveObservations", observations="Seen", tokenCount=3, lastObservedAt=when(6)),
        om(
            "updateActiveObservations",
            observations="Seen",
            tokenCount=3,
            lastObservedAt=when(6),
            observedMessageIds=["om.m1"],
        ),
        om("updateBufferedObservations", chunk=CHUNK),
        om("updateBufferedObservations", chunk=WHOLE_CHUNK, lastBufferedAtTime=when(7)),
        call("getObservationalMemory", "om.t", "om.r"),
        om("swapBufferedToActive", activationRatio=0.8, messageTokensThreshold=1000, currentPendingTokens=1500),
        om(
            "swapBufferedToActive",
            activationRatio=1,
            messageTokensThreshold=1000,
            currentPendingTokens=1500,
            forceMaxActivation=True,
            lastObservedAt=when(8),
            bufferedChunks=[buffered(CHUNK)],
        ),
        om("swapBufferedToActive", activationRatio=1, messageTokensThreshold=1000, currentPendingTokens=1500),
        om(
            "updateBufferedReflection",
            reflection="R",
            tokenCount=4,
            inputTokenCount=9,
            reflectedObservationLineCount=1,
        ),
        call("getObservationalMemory", "om.t", "om.r"),
        call("swapBufferedReflectionToActive", {"currentRecord": Result(of=11), "tokenCount": 5}),
        call("swapBufferedReflectionToActive", {"currentRecord": Result(of=11), "tokenCount": 5}),
        om("updateObservationalMemoryConfig", config={"model": {"list": [3]}, "n": None}),
        call("updateObservationalMemoryConfig", {"id": "om.absent", "config": {}}),
        call("setReflectingFlag", "id-om", False),
        call("setObservingFlag", "id-om", True),
        call("setBufferingObservationFlag", "id-om", True, 12),
        call("setBufferingObservationFlag", "id-om", False),
        call("setBufferingReflectionFlag", "id-om", True),
        call("setPendingMessageTokens", "id-om", 0),
        call("setReflectingFlag", "om.absent", False),
        call("setObservingFlag", "om.absent", False),
        call("setBufferingObservationFlag", "om.absent", False),
        call("setBufferingReflectionFlag", "om.absent", False),
        call("setPendingMessageTokens", "om.absent", 1),
        call("setPendingMessageTokens", "id-om", -1),
        call("setPendingMessageTokens", "id-om", float("nan")),
        call("setPendingMessageTokens", "id-om", "7"),
        call("getObservationalMemoryHistory", "om.t", "om.r"),
    ],
    "workflows": [
        call("supportsConcurrentUpdates", domain="workflows"),
        call("loadWorkflowSnapshot", {"workflowName": "f.w", "runId": "absent"}, domain="workflows"),
        call(
            "persistWorkflowSnapshot",
            {"workflowName": "f.w", "runId": "1", "snapshot": STATE, "createdAt": when(1)},
            domain="workflows",
        ),
        call(
            "persistWorkflowSnapshot",
            {"workflowName": "f.w", "runId": "1", "resourceId": "f.r", "snapshot": STATE, "createdAt": when(9)},
            domain="workflows",
        ),
        call(
            "persistWorkflowSnapshot",
            {"workflowName": "f.w", "runId": "2", "snapshot": {**STATE, "status": "done"}, "updatedAt": when(9)},
            domain="workflows",
        ),
        call("persistWorkflowSnapshot", {"workflowName": "f.v", "runId": "2", "snapshot": ""}, domain="workflows"),
        call("loadWorkflowSnapshot", {"workflowName": "f.w", "runId": "1"}, domain="workflows"),
        call(
            "updateWorkflowResults",
            {
                "workflowName": "f.w",
                "runId": "1",
                "stepId": "s1",
                "result": {"status": "success", "output": [1, None, 0.5], "endedAt": 1e12},
                "requestContext": {"b": 2},
            },
            domain="workflows",
        ),
        call(
            "updateWorkflowResults",
            {"workflowName": "f.w", "runId": "absent", "stepId": "s", "result": {}, "requestContext": {}},
            domain="workflows",
        ),
        call(
            "updateWorkflowState", {"workflowName": "f.w", "runId": "1", "opts": {"status": "done"}}, domain="workflows"
        ),
        call("updateWorkflowState", {"workflowName": "f.w", "runId": "absent", "opts": {}}, domain="workflows"),
        call("listWorkflowRuns", {"workflowName": "f.w"}, domain="workflows"),
        call("listWorkflowRuns", {"resourceId": "f.r"}, domain="workflows"),
        call("listWorkflowRuns", {"workflowName": "f.w", "perPage": 1}, domain="workflows"),
        call("listWorkflowRuns", {"workflowName": "f.w", "perPage": 1, "page": 1}, domain="workflows"),
        call("listWorkflowRuns", {"workflowName": "f.w", "perPage": False, "page": 0}, domain="workflows"),
        call("listWorkflowRuns", {"workflowName": "f.w", "perPage": -1, "page": 0}, domain="workflows"),
        call("listWorkflowRuns", {"workflowName": "f.w", "status": "done"}, domain="workflows"),
        call("listWorkflowRuns", {"workflowName": "f.w", "fromDate": when(1), "toDate": when(1)}, domain="workflows"),
        call("listWorkflowRuns", {"workflowName": "f.w", "fromDate": when(2)}, domain="workflows"),
        call("listWorkflowRuns", domain="workflows"),
        call("getWorkflowRunById", {"runId": "2"}, domain="workflows"),
        call("getWorkflowRunById", {"runId": "1", "workflowName": "f.w"}, domain="workflows"),
        call("getWorkflowRunById", {"runId": "absent"}, domain="workflows"),
        call("deleteWorkflowRunById", {"runId": "1", "workflowName": "f.w"}, domain="workflows"),
        call("getWorkflowRunById", {"runId": "1", "workflowName": "f.w"}, domain="workflows"),
    ],
}

READS: list[Call] = [
    call("listThreads", {"perPage": False}),
    *(call("listMessages", {"threadId": [f"{one}.t", f"{one}.u"], "perPage": False}) for one in "suri"),
    call("listMessagesById", {"messageIds": [f"s.{i}" for i in range(1, 14)]}),
    *(call("getResourceById", {"resourceId": one}) for one in ("w.a", "w.new", "w.bare")),
    call("getObservationalMemory", None, "o.r"),
    call("getObservationalMemoryHistory", "om.t", "om.r"),
    call("listWorkflowRuns", domain="workflows"),
]
CLEARING: list[Call] = [
    call("dangerouslyClearAll"),
    call("dangerouslyClearAll", domain="workflows"),
    call("listThreads", {}),
    call("listWorkflowRuns", domain="workflows"),
]


def shifted(value: Any, by: int) -> Any:
    """The value with references to results counted from the first of all calls."""
    if isinstance(value, Result):
        return Result(of=value.of + by)
    return {name: shifted(item, by) for name, item in value.items()} if isinstance(value, dict) else value


def flat(scenarios: dict[str, list[Call]]) -> list[Call]:
    calls: list[Call] = []
    for steps in scenarios.values():
        first = len(calls)
        calls += [
            call(one.method, *(shifted(item, first) for item in one.arguments), domain=one.domain) for one in steps
        ]
    return calls


def of_scenario(answers: list[Answer], name: str) -> list[Answer]:
    first = 0
    for other, steps in SCENARIOS.items():
        if other == name:
            return answers[first : first + len(steps)]
        first += len(steps)
    raise KeyError(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """What both stores answered; `crossed` is each reading, then clearing, what the other wrote."""

    typescript: list[Answer]
    python: list[Answer]
    typescript_crossed: list[Answer]
    python_crossed: list[Answer]


def new_emulator() -> Emulator:
    return Emulator(seed=1, clock=ManualClock())


@pytest.fixture(scope="module")
def runs(report_progress: Callable[[str], None]) -> Runs:
    ensure_npm_project(report_progress)
    calls = flat(SCENARIOS)
    with new_emulator() as for_typescript, new_emulator() as for_python:
        with serve(for_typescript) as served:
            typescript = by_typescript(calls, served.url, served.admin_key)
        python = by_python(calls, for_python)
        with serve(for_python) as served:
            typescript_crossed = by_typescript([*READS, *CLEARING], served.url, served.admin_key)
        python_crossed = by_python([*READS, *CLEARING], for_typescript)
    return Runs(
        typescript=typescript, python=python, typescript_crossed=typescript_crossed, python_crossed=python_crossed
    )


def labelled(steps: list[Call], values: list[Any]) -> list[tuple[int, str, Any]]:
    return [(index, one.method, value) for index, (one, value) in enumerate(zip(steps, values, strict=True))]


# A deployment runs the published handlers, whichever client asks: what is sent must be what they expect.
@pytest.mark.parametrize("name", SCENARIOS)
def test_requests_are_the_same(runs: Runs, name: str) -> None:
    sent, expected = of_scenario(runs.python, name), of_scenario(runs.typescript, name)

    assert labelled(SCENARIOS[name], [answer.requests for answer in sent]) == labelled(
        SCENARIOS[name], [answer.requests for answer in expected]
    )


@pytest.mark.parametrize("name", SCENARIOS)
def test_results_are_the_same(runs: Runs, name: str) -> None:
    got, expected = of_scenario(runs.python, name), of_scenario(runs.typescript, name)

    assert labelled(SCENARIOS[name], [answer.result for answer in got]) == labelled(
        SCENARIOS[name], [answer.result for answer in expected]
    )


@pytest.mark.parametrize("name", SCENARIOS)
def test_errors_are_the_same(runs: Runs, name: str) -> None:
    got, expected = of_scenario(runs.python, name), of_scenario(runs.typescript, name)

    assert labelled(SCENARIOS[name], [answer.error for answer in got]) == labelled(
        SCENARIOS[name], [answer.error for answer in expected]
    )


# One team, two languages, one deployment.
def test_each_reads_and_clears_what_the_other_wrote(runs: Runs) -> None:
    steps = [*READS, *CLEARING]

    assert labelled(steps, runs.python_crossed) == labelled(steps, runs.typescript_crossed)
    assert all(answer.result for answer in runs.python_crossed[: len(READS)])


# A suite that runs in process today and against a served deployment tomorrow must not notice.
def test_answers_are_the_same_over_http() -> None:
    calls = flat(SCENARIOS)
    in_process = by_python(calls, new_emulator())

    with serve(new_emulator()) as served, connect(served.url, served.admin_key) as deployment:
        over_http = by_python(calls, deployment)

    assert labelled(calls, over_http) == labelled(calls, in_process)
