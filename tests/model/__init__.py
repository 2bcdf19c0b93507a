"""The pure core against a naive model, driven by random commands."""
