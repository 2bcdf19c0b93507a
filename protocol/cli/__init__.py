"""The client-side commands: `call`, `status`, `tasks`, `add` and `watch`.

One module per command; each is a click command that the front door loads when it is asked for.
Beside them: `options` (the connection), `arguments` (words to params), `text`, `screen` and
`views` (how answers look), `exits` (how a command ends).
"""
