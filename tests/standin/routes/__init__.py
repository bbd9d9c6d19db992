"""All operations that the stand-in knows, one module per area of the API."""

from __future__ import annotations

from tests.standin.routing import Routes

from . import application, channels, guilds, interactions, messages, webhooks

ROUTES = Routes()
for area in (application, channels, guilds, interactions, messages, webhooks):
    ROUTES.merge(area.routes)
