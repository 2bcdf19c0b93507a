"""The yardstick: a bare echo server on `websockets.trio`, with its plain `recv` and `send`.

Owns nothing but that loop. It decodes no JSON, decides nothing and stores nothing: it shows what
the library's ordinary interface costs on the machine at hand. `python -m benchmarks.echo` prints
its port as one line of JSON and serves until it is terminated.
"""

import json
from functools import partial

import trio
from websockets.exceptions import ConnectionClosed
from websockets.trio.server import ServerConnection, serve

__all__: list[str] = []


async def _echo(connection: ServerConnection) -> None:
    try:
        while True:
            await connection.send(await connection.recv())
    except ConnectionClosed:
        pass


async def _main() -> None:
    async with trio.open_nursery() as nursery:
        server = await nursery.start(
            partial(serve, _echo, 0, host="127.0.0.1", compression=None, server_header=None)
        )
        port: int = server.listeners[0].socket.getsockname()[1]
        print(json.dumps({"port": port}), flush=True)


if __name__ == "__main__":
    trio.run(_main)
