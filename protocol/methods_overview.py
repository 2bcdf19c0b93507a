"""Rows of the table for a person who looks at all of a project at once.

Owns those rows; `protocol.methods` puts them into the table. Agents do not get them as tools: they
would fill a context with what `get_all_tasks` and `explain_task` say in short. Must not know who
carries a method out.
"""

from protocol import errors as e
from protocol import params as p
from protocol import results as r
from protocol.table_row import Method, query

__all__ = ["OVERVIEW"]

OVERVIEW: tuple[Method, ...] = (
    query(
        "get_graph",
        p.GetGraph,
        r.Graph,
        group="overview",
        tool=False,
        summary="Tasks and dependencies in short, as a picture of the graph needs them.",
    ),
    query(
        "get_attention",
        p.GetAttention,
        r.Attention,
        group="overview",
        tool=False,
        summary="What may need a person: lost workers, failures, what waits for them, overdue.",
    ),
    query(
        "get_throughput",
        p.GetThroughput,
        r.Throughput,
        group="overview",
        tool=False,
        errors=(e.StorageUnavailable,),
        summary="What happened minute by minute: added, claimed, done, failed and so on.",
    ),
    query(
        "list_attempts",
        p.ListAttempts,
        r.TaskAttempts,
        group="overview",
        tool=False,
        errors=(e.StorageUnavailable, e.InvalidTime),
        summary="Who worked on what and when: the attempts of a stretch of time.",
    ),
    query(
        "list_projects",
        p.ListProjects,
        r.Projects,
        group="overview",
        tool=False,
        summary="The projects of this server, with how much is open and under way in each.",
    ),
)
