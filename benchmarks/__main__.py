"""`python -m benchmarks`: list the measurements, or run one by its name."""

import click

from benchmarks.dashboard import dashboard
from benchmarks.lifecycle import lifecycle
from benchmarks.waiting import waiting

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Measure the Task Coordinator on this machine."""


main.add_command(dashboard)
main.add_command(lifecycle)
main.add_command(waiting)

if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
