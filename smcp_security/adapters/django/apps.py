"""The Django app: with it in INSTALLED_APPS, `manage.py check` checks how the project is guarded."""

from __future__ import annotations

from django.apps import AppConfig


class SMCPConfig(AppConfig):  # type: ignore[misc]
    """Registers the system checks."""

    name = "smcp_security.adapters.django"
    # Its own would be "django".
    label = "smcp_security"
    verbose_name = "MCP security"

    def ready(self) -> None:
        """Django is set up."""
        from smcp_security.adapters.django import checks

        checks.register_all()
