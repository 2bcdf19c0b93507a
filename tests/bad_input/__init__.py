"""Bad input against the real server process: one clear error each, no stack trace, nothing lost.

What a hostile or clumsy world does to a server from outside: on the wire, with its database file,
with its command line and with signals. How each part behaves in detail is tested beside it; here
it is seen that the whole behaves.
"""
