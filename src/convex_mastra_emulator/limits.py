"""What a deployment allows, as one frozen record; any number can be lowered for a test.

Numbers: convex-backend crates/common/src/knobs.rs, crates/value/src/*.rs, crates/common/src/document.rs,
crates/vector/src/lib.rs, crates/search/src/constants.rs (convex-engine.md §0 and §9, checked 2026-11-21).  Sizes are
bytes of Convex' own size formula.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The allowances of one deployment; the defaults are those of the hosted service."""

    profile: str = "convex-2026-08"

    # Values
    value_size_max: int = 32 * MIB
    value_nesting_max: int = 64
    array_length_max: int = 8192
    object_fields_max: int = 1024
    field_name_size_max: int = 1024
    # Documents
    document_size_max: int = 1 * MIB
    document_nesting_max: int = 16
    # One transaction
    documents_read_max: int = 32_000
    read_size_max: int = 16 * MIB
    read_ranges_max: int = 4096
    documents_written_max: int = 16_000
    written_size_max: int = 16 * MIB
    # Calls
    arguments_size_max: int = 16 * MIB
    return_size_max: int = 16 * MIB
    # Of actions with "use node", as JSON: crates/node_executor/src/executor.rs ``ARGS_TOO_LARGE_RESPONSE_MESSAGE``.
    node_arguments_size_max: int = 5 * MIB
    call_depth_max: int = 8
    user_code_ms_max: int = 1000
    action_ms_max: int = 1_800_000
    node_action_ms_max: int = 600_000
    log_lines_max: int = 256
    log_line_size_max: int = 32_768
    error_message_size_max: int = 64 * 1024
    request_body_size_max: int = 16 * MIB + 2000
    http_body_size_max: int = 20 * MIB
    scheduled_count_max: int = 1000
    scheduled_size_max: int = 16 * MIB
    # Queries
    page_size_max: int = 32_000
    query_operators_max: int = 256
    # Vector search
    vector_results_max: int = 256
    vector_results_default: int = 10
    vector_conditions_max: int = 64
    # Text search
    search_words_max: int = 16
    search_conditions_max: int = 8
    search_results_max: int = 1024
    # Environment variables
    variables_count_max: int = 512
    variables_size_max: int = 512 * 1024
    variable_name_size_max: int = 256
    variable_value_size_max: int = 8 * 1024

    def lowered(self, numbers: Mapping[str, object]) -> Limits:
        """These limits with some numbers changed.

        Raises:
            ValueError: for a name that is no limit, and for what is no whole number of at least 0.
        """
        known = {field.name for field in fields(self)} - {"profile"}
        for name, number in numbers.items():
            if name not in known:
                raise ValueError(f"unknown limit {name!r}; known are: {', '.join(sorted(known))}")
            if type(number) is not int or number < 0:
                raise ValueError(f"limit {name} must be a whole number of at least 0, got {number!r}")
        changed: dict[str, Any] = dict(numbers)
        return replace(self, **changed)


DEFAULT_LIMITS = Limits()
