"""What an agent reads when it connects: the work loop, in under two kilobytes.

Owns the text only. Every tool and parameter in it exists in the table; a test holds that.
"""

from typing import Final

__all__ = ["INSTRUCTIONS", "INSTRUCTIONS_BYTES_MAX"]

INSTRUCTIONS_BYTES_MAX: Final = 2_048

INSTRUCTIONS: Final = """\
Several agents share one task list through this server. Exactly one worker holds a task.

Work loop:
1. claim_worker_slot(workerId) once. Choose a workerId that nobody else uses and pass it in every \
call. Keep the slot. If the answer has a taskId, you still hold that task: finish it first.
2. get_available_tasks() lists what can be claimed, best first. get_task(taskId) shows one in full.
3. claim_task(taskId, workerId, workerSlot). Keep the claimToken of the answer.
   On task_not_available another worker was faster: try the next one, do not insist.
4. Do the work. Touch only what the task is about: the others work at the same time.
5. update_task(taskId, status, workerId, output, claimToken) with status "done" and in output what \
whoever builds on it needs to know; or status "failed" with error and why. Report at once.
   On stale_claim or not_holder drop the task: it was reset, cancelled or given to somebody else.
6. Go to 2. Nothing available, but tasks are blocked or working? Wait a little, look again. \
explain_task(taskId) says what a task waits for, down to the root cause.
7. When all is done: release_worker_slot(slot, workerId). That also gives back an unfinished task.

Planning: add_tasks enters a whole plan at once, dependencies included, all or nothing. Split work \
so that tasks can run side by side; depend only on what is truly needed. New work that you find on \
the way is a new task, not a longer one.

A refused call says why and what to do; it changed nothing. If the server cannot be reached the \
answer says so: tell the person, then repeat the same call. reset_failed_task with force, \
clean_all_tasks and delete_task affect other workers: only when a person asks.
"""
