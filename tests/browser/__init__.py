"""Tests of the page in a real browser, on a real server process with a real file.

Plain functions that use Playwright's blocking calls. What has to happen beside the page (clients,
agents, the server's own process) runs on a Trio loop in a thread of its own: see stage.py.
"""
