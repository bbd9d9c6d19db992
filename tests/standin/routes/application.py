"""The bot itself: its account, its application, its commands, the address of the gateway."""

from __future__ import annotations

from typing import Any

from tests.standin.errors import ApiError
from tests.standin.gateway import IDENTIFIES_A_DAY
from tests.standin.routing import Call, Reply, Routes
from tests.standin.rules import Form

routes = Routes()


@routes.add("GET", "/gateway")
def get_gateway(call: Call) -> dict[str, Any]:
    return {"url": call.standin.gateway_url}


@routes.add("GET", "/gateway/bot")
def get_gateway_bot(call: Call) -> dict[str, Any]:
    used = len(call.standin.gateway.identifies)
    return {
        "url": call.standin.gateway_url,
        "shards": call.standin.shards,
        "session_start_limit": {
            "total": IDENTIFIES_A_DAY,
            "remaining": max(0, IDENTIFIES_A_DAY - used),
            "reset_after": 86_400_000,
            "max_concurrency": 1,
        },
    }


@routes.add("GET", "/users/@me")
def get_me(call: Call) -> dict[str, Any]:
    return call.world.bot.to_private_json()


@routes.add("GET", "/users/{user_id}")
def get_user(call: Call) -> dict[str, Any]:
    user = call.world.users.get(call.params["user_id"])
    if user is None:
        raise ApiError(10013)
    return user.to_json()


@routes.add("POST", "/users/@me/channels")
def create_dm(call: Call) -> dict[str, Any]:
    form = Form()
    form.keys(call.form, {"recipient_id"})
    form.refuse()
    user = call.world.users.get(str(call.form.get("recipient_id")))
    if user is None or user.bot:
        raise ApiError(50007 if user else 10013)
    return call.world.dm_with(user).to_json()


@routes.add("GET", "/users/@me/guilds")
def list_my_guilds(call: Call) -> list[dict[str, Any]]:
    return [
        {
            "id": guild.id,
            "name": guild.name,
            "icon": None,
            "banner": None,
            "owner": False,
            "permissions": str(guild.bot_role.permissions | guild.everyone.permissions),
            "features": [],
        }
        for guild in call.world.bot_guilds()
    ]


@routes.add("GET", "/oauth2/applications/@me")
@routes.add("GET", "/applications/@me")
def get_application(call: Call) -> dict[str, Any]:
    bot = call.world.bot
    return {
        "id": call.world.application_id,
        "name": bot.username,
        "icon": None,
        "description": "",
        "type": None,
        "bot": bot.to_json(),
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "flags": 0,
        "flags_new": "0",
        "tags": [],
        "summary": "",
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "owner": call.standin.developer.to_json(),
        "approximate_guild_count": len(call.world.bot_guilds()),
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0,
        "team": None,
        "eligible_oauth2_scopes": [],
        "integration_types_config": {"0": {}, "1": {}},
    }


def _own(call: Call) -> str | None:
    """Check whose application is meant; return the guild of the scope, if there is one."""
    if call.params["application_id"] != call.world.application_id:
        raise ApiError(10002)
    guild_id = call.params.get("guild_id")
    return call.world.guild(guild_id).id if guild_id else None


@routes.add("GET", "/applications/{application_id}/commands")
@routes.add("GET", "/applications/{application_id}/guilds/{guild_id}/commands")
def list_commands(call: Call) -> list[dict[str, Any]]:
    listed = call.standin.commands.listed(_own(call))
    if call.flag("with_localizations"):
        return listed
    hidden = {"name_localizations": None, "description_localizations": None}
    return [command | hidden for command in listed]


@routes.add("PUT", "/applications/{application_id}/commands")
@routes.add("PUT", "/applications/{application_id}/guilds/{guild_id}/commands")
def overwrite_commands(call: Call) -> list[dict[str, Any]]:
    return call.standin.commands.overwrite(call.commands, _own(call))


@routes.add("DELETE", "/applications/{application_id}/commands/{command_id}")
@routes.add("DELETE", "/applications/{application_id}/guilds/{guild_id}/commands/{command_id}")
def delete_command(call: Call) -> Reply:
    if not call.standin.commands.remove(call.params["command_id"], _own(call)):
        raise ApiError(10063)
    return Reply(204)
