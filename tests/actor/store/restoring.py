"""A process that restores a backup and stops in the middle:
`python -m tests.actor.store.restoring FILE DATABASE STAGE`.

Prints the stage once it is reached, and then waits to be killed.
"""

import signal
import sys
from pathlib import Path

from actor.store.sqlite_restore import Stage, restore


def main(file: str, database: str, stop_at: str) -> None:
    def on_stage(stage: Stage) -> None:
        if stage == stop_at:
            print(stage, flush=True)
            signal.pause()

    restore(Path(file), Path(database), on_stage)


if __name__ == "__main__":
    main(*sys.argv[1:])
