"""Params of the questions that a person asks who looks at all of a project at once.

Owns those structs only; `protocol.params` hands them on. Must not know what the methods do with
them.
"""

from typing import Annotated

from msgspec import Meta

from protocol.fields import MomentAfter, MomentBefore, WorkerId
from protocol.limits import (
    ATTEMPTS_PAGE_DEFAULT,
    ATTEMPTS_PAGE_MAX,
    ATTENTION_MAX,
    BUCKETS_MAX,
    GRAPH_LEVELS_MAX,
    GRAPH_NODES_DEFAULT,
    GRAPH_NODES_MAX,
)
from protocol.params_base import Params, TaskFilter

__all__ = ["GetAttention", "GetGraph", "GetThroughput", "ListAttempts", "ListProjects"]


class GetGraph(TaskFilter, frozen=True, kw_only=True):
    finished_levels: Annotated[
        int,
        Meta(
            ge=0,
            le=GRAPH_LEVELS_MAX,
            description="How far back from unfinished tasks to show finished dependencies. Of no "
            "account where `status`, `ids`, `upstreamOf` or `downstreamOf` say what to show.",
        ),
    ] = 1
    limit: Annotated[int, Meta(ge=1, le=GRAPH_NODES_MAX, description="Tasks to show at most.")] = (
        GRAPH_NODES_DEFAULT
    )


class GetAttention(Params, frozen=True, kw_only=True):
    limit: Annotated[int, Meta(ge=1, le=ATTENTION_MAX, description="Entries at most.")] = 50


class GetThroughput(Params, frozen=True, kw_only=True):
    window_seconds: Annotated[
        float,
        Meta(ge=60, le=366 * 86_400, description="How far back to look; by default an hour."),
    ] = 3_600
    bucket_seconds: (
        Annotated[
            float,
            Meta(
                ge=60,
                le=31 * 86_400,
                description="Length of a bucket; rounded up to whole minutes, or whole hours in a "
                "window of more than two days. Absent: what gives no more than 120 buckets. At "
                f"most {BUCKETS_MAX} buckets: one that is too short for that is made longer.",
            ),
        ]
        | None
    ) = None


class ListAttempts(Params, frozen=True, kw_only=True):
    since: MomentAfter | None = None
    """Absent: an hour before `until`."""
    until: MomentBefore | None = None
    """Absent: now."""
    worker_id: WorkerId | None = None
    limit: Annotated[
        int,
        Meta(ge=1, le=ATTEMPTS_PAGE_MAX, description="Attempts at most, the newest."),
    ] = ATTEMPTS_PAGE_DEFAULT


class ListProjects(Params, frozen=True, kw_only=True):
    pass
