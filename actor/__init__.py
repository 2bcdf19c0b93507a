"""The coordinator: what it knows, how it decides, and how it keeps what it decided."""
