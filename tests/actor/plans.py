"""A plan that several tests add, in no helpful order."""

from typing import Any

PLAN: list[dict[str, Any]] = [
    {"id": "auth-context", "description": "context", "dependencies": ["auth-api", "auth-ui"]},
    {"id": "auth-api", "description": "api", "dependencies": ["setup-project", "setup-db"]},
    {"id": "auth-ui", "description": "ui", "dependencies": ["setup-project"]},
    {"id": "setup-project", "description": "project"},
    {"id": "setup-db", "description": "db"},
]
