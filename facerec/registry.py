"""One table per kind of component: a name there gives a command-line choice and contract tests."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Generic, TypeVar

from facerec.errors import ConfigError

T = TypeVar("T")


class Registry(Generic[T]):
    """Named components of one kind.

    Attributes:
        kind: what they are, for error sentences ("detector").
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Decorate a component to enter it under ``name``.

        Raises:
            ConfigError: the name is taken.
        """

        def enter(component: T) -> T:
            if name in self._entries:
                raise ConfigError(f"There are two {self.kind}s named {name!r}.")
            self._entries[name] = component
            return component

        return enter

    def names(self) -> tuple[str, ...]:
        """All names, sorted."""
        return tuple(sorted(self._entries))

    def get(self, name: str) -> T:
        """Return the component called ``name``.

        Raises:
            ConfigError: there is none; the remedy names the nearest one.
        """
        if name in self._entries:
            return self._entries[name]
        close = get_close_matches(name, self._entries, n=1)
        hint = f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(self.names())}."
        raise ConfigError(f"There is no {self.kind} named {name!r}.", remedy=hint)
