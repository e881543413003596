"""A key provider that is a Python module: for a key management system that has a library.

`key_plugin` is the name of an entry point of the group `zk_disclosure.key_providers`, or `module:factory`.
The factory takes `key_plugin_options` and returns a KeyProvider. It runs with all rights of the server.
"""

import re
from collections.abc import Callable, Mapping
from importlib import import_module, metadata
from typing import Any, Final

from zkservice.keyring.errors import KeyringError, KeyringReason
from zkservice.keyring.providers import MOST_OCTETS, KeyProvider, unusable

GROUP: Final = "zk_disclosure.key_providers"
_PATH: Final = re.compile(r"[A-Za-z_][\w.]{0,200}:[A-Za-z_]\w{0,100}")
_MOST_NAME: Final = 100


class _Guarded:
    """A provider whose failures are ours: nothing that a stranger's module raises is repeated."""

    def __init__(self, name: str, provider: KeyProvider) -> None:
        self.name, self._provider = name, provider

    def __repr__(self) -> str:
        return f"Guarded({self.name!r})"

    def wrap(self, octets: bytes, context: bytes) -> bytes:
        return self._ask(self._provider.wrap, octets, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        return self._ask(self._provider.unwrap, wrapped, context)

    def _ask(self, act: Callable[[bytes, bytes], bytes], octets: bytes, context: bytes) -> bytes:
        try:
            found = act(octets, context)
        except KeyringError as error:
            detail = f"the provider `{self.name}` failed"
            raise KeyringError(KeyringReason(error.reason), detail) from None
        except Exception as error:
            raise _failed(f"the provider `{self.name}` failed ({type(error).__name__})") from None
        if not isinstance(found, bytes) or not 0 < len(found) <= MOST_OCTETS:
            raise _failed(f"the provider `{self.name}` gave no octets, or too many")
        return found


def plugin_provider(plugin: str, options: Mapping[str, str]) -> KeyProvider:
    """Return the provider of an entry point or of `module:factory`; KeyringError PROVIDER_UNUSABLE."""
    factory = _factory(plugin)
    try:
        provider = factory(dict(options))
    except KeyringError:
        raise
    except Exception as error:
        raise unusable(f"key_plugin {plugin} made no provider ({type(error).__name__})") from None
    if not isinstance(provider, KeyProvider):
        raise unusable(f"what key_plugin {plugin} made is no key provider")
    name = provider.name
    if not isinstance(name, str) or not 0 < len(name) <= _MOST_NAME or not name.isprintable():
        raise unusable(f"the provider of key_plugin {plugin} has no name that can be shown")
    return _Guarded(name, provider)


def _factory(plugin: str) -> Callable[[dict[str, str]], Any]:
    found = [each for each in metadata.entry_points(group=GROUP) if each.name == plugin]
    try:
        if len(found) == 1:
            factory = found[0].load()
        elif _PATH.fullmatch(plugin):
            module, _, name = plugin.partition(":")
            factory = getattr(import_module(module), name)
        else:
            raise unusable(f"key_plugin is the name of an entry point of {GROUP}, or module:factory")
    except KeyringError:
        raise
    except Exception as error:
        raise unusable(f"key_plugin {plugin} cannot be loaded ({type(error).__name__})") from None
    if not callable(factory):
        raise unusable(f"key_plugin {plugin} names no factory")
    return factory  # type: ignore[no-any-return]


def _failed(detail: str) -> KeyringError:
    return KeyringError(KeyringReason.PROVIDER_FAILED, detail)
