"""Files of tasks: what `task-coordinator import` reads and `task-coordinator export` writes.

One module per format, each from text (or a database) to a `Sheet` and, where it is written too,
from tasks to text. `sheet` is what they all produce, `plan` checks it, `catalogue` lists them.
"""
