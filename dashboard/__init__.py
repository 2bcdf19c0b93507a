"""The page that a person opens, and the small ASGI application that serves it."""
