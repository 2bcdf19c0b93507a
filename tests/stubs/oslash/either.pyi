# jsonrpcserver's results are built of these two; the package itself carries no types.
from typing import Generic, TypeVar

S = TypeVar("S")
E = TypeVar("E")

class Either(Generic[E, S]): ...

class Right(Either[E, S]):
    @property
    def _value(self) -> S: ...
    def __init__(self, value: S) -> None: ...

class Left(Either[E, S]):
    @property
    def _error(self) -> E: ...
    def __init__(self, error: E) -> None: ...
