"""Notifies the observing hooks of plugins about a run; they cannot disturb it."""

from __future__ import annotations

import logging
from typing import Any

from aukit import faults
from aukit.registry.loading import Registry

_log = logging.getLogger(__name__)


class Observers:
    """The plugins that observe a run.

    An observer that fails is reported once by name and switched off; the run continues.

    Args:
        registry: the registry whose plugins are called.
    """

    def __init__(self, registry: Registry) -> None:
        self._manager = registry.manager
        self._off: set[str] = set()

    def tell(self, event: str, **details: Any) -> None:
        """Call the observing hook `aukit_<event>` of every plugin that has it.

        Args:
            event: `run_started`, `stage_started`, `scalars`, `stage_finished`, `stage_failed` or
                `run_finished`.
            details: the arguments of the hook.
        """
        hook = f"aukit_{event}"
        for listener in getattr(self._manager.hook, hook).get_hookimpls():
            if listener.plugin_name not in self._off:
                self._tell(listener.plugin_name, hook, details)

    def _tell(self, name: str, hook: str, details: dict[str, Any]) -> None:
        plugin = self._manager.get_plugin(name)
        others = [other for other in self._manager.get_plugins() if other is not plugin]
        try:
            self._manager.subset_hook_caller(hook, others)(**details)
        except BaseException as error:
            if faults.is_interrupt(error):
                raise
            self._off.add(name)
            reason = faults.reason(error)
            _log.warning("plugin %s failed in %s and is switched off: %s", name, hook, reason)
