"""The client-side commands, among them `call`, `status`, `tasks`, `add` and `watch`.

One module per command, or per few that belong together; each is a click command that the front
door loads when it is asked for. Beside them: `options` (the connection), `arguments` (words to
params), `moments` and `durations` (times), `text`, `screen` and the views (how answers look),
`exits` (how a command ends).
"""
