"""From a message body that passed the rules to the message as Discord stores and shows it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from . import permissions, rules
from .errors import ApiError, Problems
from .messages import COMPONENTS_V2, SUPPRESS_EMBEDS, Edit, Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .channels import Channel
    from .users import User
    from .world import World

SETTABLE_FLAGS = SUPPRESS_EMBEDS | COMPONENTS_V2 | 1 << 12  # the last one: no notification
LARGEST_FILE = 10 * 1024 * 1024
INTERACTIVE = rules.SELECTS | {rules.BUTTON, rules.TEXT_INPUT}


def compose(
    world: World,
    channel: Channel,
    author: User,
    body: Mapping[str, Any],
    files: Mapping[str, bytes],
    *,
    via: str,
    only_users_by_default: bool = False,
) -> Message:
    """Make a message out of a body and let the channel keep it."""
    if not rules.has_substance(body, files):
        raise ApiError(50006)
    message = Message(
        world.snowflakes.mint(), channel, author, world.clock.now(), via, tts=bool(body.get("tts"))
    )
    _fill(world, message, body, files, only_users_by_default=only_users_by_default)
    message.pinged_roles = message.mention_roles
    return message


def keep(message: Message) -> None:
    """Put a message into its channel."""
    channel = message.channel
    channel.messages[message.id] = message
    channel.last_message_id = message.id


def revise(
    world: World,
    message: Message,
    body: Mapping[str, Any],
    files: Mapping[str, bytes],
    *,
    only_users_by_default: bool = False,
    silently: bool = False,
) -> None:
    """Apply an edit; ``silently`` is for turning a placeholder into the real answer."""
    if not rules.has_substance(body, files, message):
        raise ApiError(50006)
    was_v2 = message.has_v2
    wants_v2 = bool((body.get("flags") or 0) & COMPONENTS_V2)
    kept = [key for key in ("content", "embeds") if key not in body and getattr(message, key)]
    if wants_v2 and kept:
        problems = Problems()
        problems.add(
            kept[0],
            "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
            "The field cannot be used with components V2.",
        )
        problems.refuse()
    _fill(world, message, body, files, only_users_by_default=only_users_by_default)
    if was_v2:
        message.flags |= COMPONENTS_V2  # it can be set, never taken away
    if silently:
        message.pinged_roles = message.mention_roles
    else:
        message.edited_at = world.clock.now()
        message.edits.append(Edit(message.edited_at, dict(body)))


def _fill(
    world: World,
    message: Message,
    body: Mapping[str, Any],
    files: Mapping[str, bytes],
    *,
    only_users_by_default: bool,
) -> None:
    if "content" in body:
        message.content = (body["content"] or "").strip()
    if "embeds" in body:
        message.embeds = [_shown_embed(embed) for embed in body["embeds"] or ()]
    if "components" in body:
        message.components = _numbered(body["components"] or ())
    if "content" in body or "components" in body:
        _mention(world, message, body.get("allowed_mentions"), only_users=only_users_by_default)
    if "flags" in body:
        message.flags = message.flags & ~SETTABLE_FLAGS | (body["flags"] or 0) & SETTABLE_FLAGS
    if "attachments" in body or files:
        message.attachments = _attachments(world, message, body, files)


def _attachments(
    world: World, message: Message, body: Mapping[str, Any], files: Mapping[str, bytes]
) -> list[dict[str, Any]]:
    """Keep what the body names of the old ones, and add what was uploaded."""
    if any(len(content) > LARGEST_FILE for content in files.values()):
        raise ApiError(40005)
    described = {str(entry.get("id")): entry for entry in body.get("attachments") or ()}
    kept = [a for a in message.attachments if a["id"] in described or "attachments" not in body]
    for index, (name, content) in enumerate(files.items()):
        snowflake = world.snowflakes.mint()
        url = f"https://cdn.discordapp.com/attachments/{message.channel.id}/{snowflake}/{name}"
        attachment = {
            "id": snowflake,
            "filename": name,
            "size": len(content),
            "url": url,
            "proxy_url": url.replace("cdn.discordapp.com", "media.discordapp.net"),
        }
        if text := described.get(str(index), {}).get("description"):
            attachment["description"] = text
        kept.append(attachment)
        message.files[name] = content
    return kept


def _mention(
    world: World, message: Message, allowed: dict[str, Any] | None, *, only_users: bool
) -> None:
    """Work out whom the text pings, given what the sender allowed and may."""
    displays = [c["content"] for c in _all(message.components) if c["type"] == rules.TEXT_DISPLAY]
    content, guild = "\n".join([message.content, *displays]), message.channel.guild
    if allowed is None:
        allowed = {"parse": ["users"] if only_users else ["users", "roles", "everyone"]}
    parse = allowed.get("parse") or ()
    users = dict.fromkeys(re.findall(r"<@!?(\d+)>", content))
    roles = dict.fromkeys(re.findall(r"<@&(\d+)>", content))
    listed_users = set(map(str, allowed.get("users") or ()))
    listed_roles = set(map(str, allowed.get("roles") or ()))
    message.mentions = [
        world.users[u]
        for u in users
        if u in world.users and ("users" in parse or u in listed_users)
    ]
    if guild is None:
        return
    held = message.channel.permissions_of(message.author.id)
    may_ping = permissions.has(held, "mention_everyone") or message.via == "webhook"
    message.mention_roles = [
        role
        for role in roles
        if role in guild.roles
        and ("roles" in parse or role in listed_roles)
        and (guild.roles[role].mentionable or may_ping)
    ]
    shouts = re.search(r"@(everyone|here)\b", content) is not None
    message.mention_everyone = shouts and "everyone" in parse and may_ping


def _shown_embed(embed: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        key: value.strip() if isinstance(value, str) else value
        for key, value in embed.items()
        if value not in (None, "") and key not in ("flags", "type")
    }
    shown["type"] = "rich"
    if "fields" in shown:
        shown["fields"] = [
            {
                "name": field["name"].strip(),
                "value": field["value"].strip(),
                "inline": bool(field.get("inline")),
            }
            for field in shown["fields"]
        ]
    return shown


def _numbered(components: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give every component an id and the defaults that Discord adds."""
    taken = {c["id"] for c in _all(components) if c.get("id")}
    free = (number for number in range(1, 10_000) if number not in taken)

    def stored(component: dict[str, Any]) -> dict[str, Any]:
        kind = component["type"]
        result = {key: value for key, value in component.items() if value is not None}
        result["id"] = component.get("id") or next(free)
        if kind in rules.SELECTS:
            result["min_values"] = component.get("min_values", 1)
            result["max_values"] = component.get("max_values", 1)
        elif kind == rules.CONTAINER:
            result["accent_color"] = component.get("accent_color")
            result["spoiler"] = bool(component.get("spoiler"))
        elif kind == rules.SEPARATOR:
            result["divider"] = component.get("divider", True)
            result["spacing"] = component.get("spacing") or 1
        elif kind in (rules.THUMBNAIL, rules.MEDIA_GALLERY, rules.FILE):
            _store_media(result)
        for key in ("accessory", "component"):
            if key in result:
                result[key] = stored(result[key])
        if "components" in result:
            result["components"] = [stored(child) for child in result["components"]]
        return result

    return [stored(component) for component in components]


def _store_media(component: dict[str, Any]) -> None:
    def shown(media: dict[str, Any]) -> dict[str, Any]:
        return {"id": "0", "url": media["url"], "proxy_url": media["url"]}

    component["spoiler"] = bool(component.get("spoiler"))
    if component["type"] == rules.MEDIA_GALLERY:
        del component["spoiler"]
        component["items"] = [
            {
                "media": shown(item["media"]),
                "description": item.get("description"),
                "spoiler": bool(item.get("spoiler")),
            }
            for item in component["items"]
        ]
    elif component["type"] == rules.FILE:
        component["file"] = shown(component["file"])
    else:
        component["media"] = shown(component["media"])


def _all(components: Iterable[Any] | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for component in components or ():
        if not isinstance(component, dict):
            continue
        found.append(component)
        found += _all(component.get("components"))
        found += _all([component.get("accessory"), component.get("component")])
    return found


def interactive(components: Iterable[Any]) -> list[dict[str, Any]]:
    """Return everything in a component tree that a person can use."""
    return [component for component in _all(components) if component["type"] in INTERACTIVE]
