"""What an agent reads when it connects: the work loop, in under two kilobytes.

Owns the text only. Every tool and parameter in it exists in the table; a test holds that.
"""

from typing import Final

__all__ = ["INSTRUCTIONS", "INSTRUCTIONS_BYTES_MAX"]

INSTRUCTIONS_BYTES_MAX: Final = 2_048

INSTRUCTIONS: Final = """\
Several agents share one task list through this server. Exactly one worker holds a task.

Work loop:
1. claim_worker_slot() once. You are known by your session; pass a workerId only if several \
workers share this connection, then in every call. A taskId in the answer is a task that you \
still hold: finish it first.
2. claim_next_task(waitSeconds=45) gives you the best task, or waits for one; waiting costs \
nothing. It came back empty? remaining 0 means that all is done: go to 5. Otherwise call it \
again; explain_task(taskId) says what a task waits for. To choose one yourself: \
get_available_tasks(), then claim_task(taskId).
3. Do the work. Touch only what the task is about: the others work at the same time. Before you \
touch files beyond it: reserve_resources(taskId, resources). Your claim is kept alive for you; on \
long work report_progress(taskId, progress) tells the others.
4. update_task(taskId, status, output) at once: "done", with what whoever builds on it needs to \
know; or "failed" with error and why. You cannot go on, but another could? \
release_task(taskId, note). On stale_claim or not_holder drop the task: it is no longer yours. \
Then go to 2.
5. release_worker_slot(). That also gives back an unfinished task.

Answers may end with a notice, such as that your task was cancelled: heed it.

Planning: add_tasks enters a whole plan at once, dependencies included, all or nothing. Split work \
so that tasks can run side by side; depend only on what is truly needed, and name in resources \
what only one may touch. New work that you find on the way is a new task, not a longer one.

A refused call says why and what to do; it changed nothing. If the server cannot be reached the \
answer says so: tell the person, then repeat the same call. reset_failed_task with force, \
clean_all_tasks and delete_task affect other workers: only when a person asks.
"""
