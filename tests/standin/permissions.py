"""Permission bits and how roles and overwrites combine into what a member may do in a channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .channels import Channel
    from .guilds import Guild

_BY_BIT = {
    0: "create_instant_invite",
    1: "kick_members",
    2: "ban_members",
    3: "administrator",
    4: "manage_channels",
    5: "manage_guild",
    6: "add_reactions",
    7: "view_audit_log",
    8: "priority_speaker",
    9: "stream",
    10: "view_channel",
    11: "send_messages",
    12: "send_tts_messages",
    13: "manage_messages",
    14: "embed_links",
    15: "attach_files",
    16: "read_message_history",
    17: "mention_everyone",
    18: "use_external_emojis",
    19: "view_guild_insights",
    20: "connect",
    21: "speak",
    22: "mute_members",
    23: "deafen_members",
    24: "move_members",
    25: "use_vad",
    26: "change_nickname",
    27: "manage_nicknames",
    28: "manage_roles",
    29: "manage_webhooks",
    30: "manage_guild_expressions",
    31: "use_application_commands",
    32: "request_to_speak",
    33: "manage_events",
    34: "manage_threads",
    35: "create_public_threads",
    36: "create_private_threads",
    37: "use_external_stickers",
    38: "send_messages_in_threads",
    39: "use_embedded_activities",
    40: "moderate_members",
    41: "view_creator_monetization_analytics",
    42: "use_soundboard",
    43: "create_guild_expressions",
    44: "create_events",
    45: "use_external_sounds",
    46: "send_voice_messages",
    48: "set_voice_channel_status",
    49: "send_polls",
    50: "use_external_apps",
    51: "pin_messages",
    52: "bypass_slowmode",
}
BITS = {name: 1 << bit for bit, name in _BY_BIT.items()}
ALL = sum(BITS.values())

BOT_DEFAULT = (
    "view_channel",
    "send_messages",
    "send_messages_in_threads",
    "embed_links",
    "attach_files",
    "read_message_history",
    "create_public_threads",
    "use_application_commands",
)
IN_DM = ("attach_files", "embed_links", "mention_everyone", "use_external_emojis")
MEMBER_DEFAULT = (
    "view_channel",
    "send_messages",
    "read_message_history",
    "use_application_commands",
)


def bits(names: Iterable[str]) -> int:
    """Return the bitset of some permission names; an unknown name is a mistake in the test."""
    return sum(BITS[name] for name in set(names))


def has(permissions: int, *names: str) -> bool:
    """Tell whether every named permission is in the bitset."""
    wanted = bits(names)
    return permissions & wanted == wanted


def in_guild(guild: Guild, user_id: str) -> int:
    """Return what a member may do in the guild as a whole."""
    if user_id == guild.owner_id:
        return ALL
    member = guild.members[user_id]
    base = guild.everyone.permissions
    for role_id in member.role_ids:
        base |= guild.roles[role_id].permissions
    return ALL if has(base, "administrator") else base


def in_channel(channel: Channel, user_id: str) -> int:
    """Return what a member may do in one channel; threads follow the channel they hang on."""
    guild = channel.guild
    if guild is None:
        return ALL & ~BITS["administrator"]
    if user_id not in guild.members:
        return 0
    base = in_guild(guild, user_id)
    if base == ALL:
        return ALL
    overwrites = channel.overwrites_source.overwrites
    if everyone := overwrites.get(guild.id):
        base = base & ~everyone.deny | everyone.allow
    of_roles = [overwrites[r] for r in guild.members[user_id].role_ids if r in overwrites]
    deny = allow = 0
    for overwrite in of_roles:
        deny |= overwrite.deny
        allow |= overwrite.allow
    base = base & ~deny | allow
    if own := overwrites.get(user_id):
        base = base & ~own.deny | own.allow
    if not has(base, "view_channel"):
        return 0
    return base
