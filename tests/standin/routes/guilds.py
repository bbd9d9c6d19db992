"""Guilds, their roles, members and channels, as far as a bot reads them."""

from __future__ import annotations

from typing import Any

from tests.standin.errors import ApiError
from tests.standin.routing import Call, Reply, Routes

routes = Routes()


@routes.add("GET", "/guilds/{guild_id}")
def get_guild(call: Call) -> dict[str, Any]:
    guild = call.world.guild(call.params["guild_id"])
    if not call.flag("with_counts"):
        return guild.to_json()
    count = len(guild.members)
    return guild.to_json() | {
        "approximate_member_count": count,
        "approximate_presence_count": count,
    }


@routes.add("GET", "/guilds/{guild_id}/channels")
def list_channels(call: Call) -> list[dict[str, Any]]:
    guild = call.world.guild(call.params["guild_id"])
    return [channel.to_json() for channel in guild.channels.values()]


@routes.add("GET", "/guilds/{guild_id}/roles")
def list_roles(call: Call) -> list[dict[str, Any]]:
    guild = call.world.guild(call.params["guild_id"])
    return [role.to_json() for role in guild.roles.values()]


@routes.add("GET", "/guilds/{guild_id}/members/{user_id}")
def get_member(call: Call) -> dict[str, Any]:
    member = call.world.guild(call.params["guild_id"]).members.get(call.params["user_id"])
    if member is None:
        raise ApiError(10007 if call.params["user_id"] in call.world.users else 10013)
    return member.to_json()


@routes.add("DELETE", "/users/@me/guilds/{guild_id}")
def leave_guild(call: Call) -> Reply:
    call.world.guild(call.params["guild_id"]).remove_bot()
    return Reply(204)
