"""Shell completion: names of components, values of options."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, get_args, get_origin

import click
from click.shell_completion import CompletionItem

from aukit.cli.app import App
from aukit.components import Kind
from aukit.registry.loading import Registry


def completions(offers: Iterable[str], incomplete: str) -> list[CompletionItem]:
    """The offers that start with what was typed, or with the last item of a typed list."""
    head, comma, last = incomplete.rpartition(",")
    return [CompletionItem(f"{head}{comma}{word}") for word in offers if word.startswith(last)]


def names_of(registry: Registry, kind: Kind) -> list[str]:
    """The components of a kind, and `none` if the kind is optional."""
    names = [name for component in registry.of_kind(kind.name) for name in component.names]
    return [*names, *(["none"] if kind.optional else [])]


def known_values(annotation: Any) -> tuple[str, ...]:
    """The values of a Literal or a bool option; none for other types."""
    if annotation is bool:
        return ("true", "false")
    if get_origin(annotation) is Literal:
        return tuple(map(str, get_args(annotation)))
    return ()


Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def completer(words: Callable[[Registry], Sequence[str]]) -> Completer:
    """A `shell_complete` callback over names from the registry."""

    def complete(ctx: click.Context, _: click.Parameter, typed: str) -> list[CompletionItem]:
        return completions(words(ctx.ensure_object(App).registry), typed)

    return complete


component_name = completer(lambda r: sorted({name for c in r.components for name in c.names}))
weights_name = completer(lambda registry: list(registry.weights()))


def model_name(ctx: click.Context, _: click.Parameter, typed: str) -> list[CompletionItem]:
    """Names of bundled models, then folders."""
    from aukit.runs.known import known_models

    known = completions(known_models(ctx.ensure_object(App).registry), typed)
    return [*known, CompletionItem(typed, type="dir")]
