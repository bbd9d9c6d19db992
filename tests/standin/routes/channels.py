"""Channels and threads."""

from __future__ import annotations

from typing import Any

from tests.standin import permissions, rules
from tests.standin.channels import (
    FORUM,
    NEWS,
    NEWS_THREAD,
    PRIVATE_THREAD,
    PUBLIC_THREAD,
    REQUIRE_TAG,
    TEXT,
    Channel,
)
from tests.standin.clock import iso
from tests.standin.composing import compose
from tests.standin.errors import ApiError, Problems
from tests.standin.routing import Call, Reply, Routes

routes = Routes()

DURATIONS = (60, 1440, 4320, 10080)
THREAD_KEYS = {"name", "auto_archive_duration", "rate_limit_per_user", "type", "invitable"}
POST_KEYS = {"name", "auto_archive_duration", "rate_limit_per_user", "applied_tags", "message"} | {
    "type"
}
EDIT_KEYS = {"name", "archived", "locked", "auto_archive_duration", "applied_tags", "topic"} | {
    *("nsfw", "rate_limit_per_user", "invitable", "flags")
}


@routes.add("GET", "/channels/{channel_id}")
def get_channel(call: Call) -> dict[str, Any]:
    return call.world.channel(call.params["channel_id"]).to_json()


@routes.add("PATCH", "/channels/{channel_id}")
def edit_channel(call: Call) -> dict[str, Any]:
    channel, body = call.world.channel(call.params["channel_id"]), call.form
    form = rules.Form()
    form.keys(body, EDIT_KEYS)
    if "name" in body:
        form.text(body["name"], "name", 100, 1)
    form.refuse()
    if channel.guild is None:
        raise ApiError(50024)
    if channel.thread is None:
        call.world.need(channel, "manage_channels")
        channel.topic = body.get("topic", channel.topic)
    else:
        if channel.thread.owner_id != call.world.bot.id or body.get("locked"):
            call.world.need(channel, "manage_threads")
        if channel.thread.archived and body.get("archived") is not False:
            raise ApiError(50083)
        channel.thread.archived = body.get("archived", channel.thread.archived)
        channel.thread.locked = body.get("locked", channel.thread.locked)
        channel.thread.applied_tags = body.get("applied_tags", channel.thread.applied_tags)
    channel.rename(body.get("name", channel.name))
    return channel.to_json()


@routes.add("DELETE", "/channels/{channel_id}")
def delete_channel(call: Call) -> dict[str, Any]:
    channel = call.world.channel(call.params["channel_id"])
    if channel.guild is not None:
        call.world.need(channel, "manage_threads" if channel.is_thread else "manage_channels")
        channel.delete()
    return channel.to_json()


@routes.add("POST", "/channels/{channel_id}/threads")
def start_thread(call: Call) -> Reply:
    channel, body = call.world.channel(call.params["channel_id"]), call.form
    form = rules.Form()
    form.keys(body, POST_KEYS if channel.type == FORUM else THREAD_KEYS)
    _check_thread(form, body)
    if channel.type == FORUM:
        return Reply(201, _start_post(call, channel, body, form))
    form.refuse()
    if channel.type not in (TEXT, NEWS):
        raise ApiError(50024)
    kind = body.get("type") or PRIVATE_THREAD
    if kind == PRIVATE_THREAD:
        call.world.need(channel, "create_private_threads")
    else:
        call.world.need(channel, "create_public_threads")
    thread = _open(call, channel, body, kind=kind)
    return Reply(201, thread.to_json() | _membership(call, thread))


@routes.add("POST", "/channels/{channel_id}/messages/{message_id}/threads")
def start_thread_from_message(call: Call) -> Reply:
    channel, body = call.world.channel(call.params["channel_id"]), call.form
    message = channel.messages.get(call.params["message_id"])
    if message is None or message.deleted:
        raise ApiError(10008)
    form = rules.Form()
    form.keys(body, {"name", "auto_archive_duration", "rate_limit_per_user"})
    _check_thread(form, body)
    form.refuse()
    call.world.need(channel, "create_public_threads")
    if message.id in call.world.channels:
        raise ApiError(160004)
    kind = NEWS_THREAD if channel.type == NEWS else PUBLIC_THREAD
    thread = _open(call, channel, body, kind=kind, thread_id=message.id)
    return Reply(201, thread.to_json() | _membership(call, thread))


def _check_thread(form: rules.Form, body: dict[str, Any]) -> None:
    form.text(body.get("name") or "", "name", 100, 1)
    if body.get("auto_archive_duration") not in (None, *DURATIONS):
        form.problems.add("auto_archive_duration", "BASE_TYPE_CHOICES", f"One of {DURATIONS}.")


def _start_post(
    call: Call, forum: Channel, body: dict[str, Any], form: rules.Form
) -> dict[str, Any]:
    world, starter = call.world, body.get("message") or {}
    tags = [str(tag) for tag in body.get("applied_tags") or ()]
    if not isinstance(body.get("message"), dict):
        form.problems.require("message")
    else:
        form.message(starter, "starter", "message")
    if len(tags) > 5:
        form.problems.too_long("applied_tags", 5)
    known = {tag["id"] for tag in forum.tags}
    for index, tag in enumerate(tags):
        if tag not in known:
            form.problems.add(f"applied_tags.{index}", "UNKNOWN_TAG", "Unknown tag.")
    form.refuse()
    world.need(forum, "send_messages")
    if starter.get("embeds"):
        world.need(forum, "embed_links")
    if call.files:
        world.need(forum, "attach_files")
    if forum.flags & REQUIRE_TAG and not tags:
        raise ApiError(40067)
    if not rules.has_substance(starter, call.files):
        raise ApiError(50006)
    thread = _open(call, forum, body, kind=PUBLIC_THREAD, tags=tags)
    message = compose(world, thread, world.bot, starter, call.files, via="sent")
    message.id = thread.id  # the first message of a post shares its id
    message.nonce = starter.get("nonce")
    call.standin.post(message)
    return thread.to_json() | _membership(call, thread) | {"message": message.to_json()}


def _open(
    call: Call,
    parent: Channel,
    body: dict[str, Any],
    *,
    kind: int,
    tags: list[str] | None = None,
    thread_id: str | None = None,
) -> Channel:
    assert parent.guild is not None
    return parent.guild.open_thread(
        parent,
        body["name"].strip(),
        owner_id=call.world.bot.id,
        kind=kind,
        thread_id=thread_id,
        auto_archive_duration=body.get("auto_archive_duration") or 4320,
        applied_tags=tags or (),
    )


def _membership(call: Call, thread: Channel) -> dict[str, Any]:
    return {"member": _thread_member(call, thread)}


def _thread_member(call: Call, thread: Channel) -> dict[str, Any]:
    assert thread.thread is not None
    return {
        "id": thread.id,
        "user_id": call.world.bot.id,
        "join_timestamp": iso(thread.thread.archive_at),
        "flags": 0,
    }


@routes.add("PUT", "/channels/{channel_id}/thread-members/@me")
def join_thread(call: Call) -> Reply:
    thread = call.world.channel(call.params["channel_id"])
    if thread.thread is None:
        raise ApiError(50024)
    if thread.thread.archived:
        raise ApiError(50083)
    thread.thread.bot_joined = True
    return Reply(204)


@routes.add("GET", "/guilds/{guild_id}/threads/active")
def list_active_threads(call: Call) -> dict[str, Any]:
    guild = call.world.guild(call.params["guild_id"])
    threads = [
        thread
        for thread in guild.threads.values()
        if thread.thread
        and not thread.thread.archived
        and permissions.has(thread.permissions_of(call.world.bot.id), "view_channel")
    ]
    return _listed(call, threads)


@routes.add("GET", "/channels/{channel_id}/threads/archived/public")
def list_archived_threads(call: Call) -> dict[str, Any]:
    channel = call.world.channel(call.params["channel_id"])
    assert channel.guild is not None
    call.world.need(channel, "read_message_history")
    limit = int(call.query.get("limit", 50))
    if not 2 <= limit <= 100:
        problems = Problems()
        problems.add("limit", "NUMBER_TYPE_MAX", "int value should be between 2 and 100.")
        problems.refuse()
    before = call.query.get("before")
    archived = sorted(
        (
            thread
            for thread in channel.guild.threads.values()
            if thread.thread
            and thread.parent_id == channel.id
            and thread.thread.archived
            and thread.type != PRIVATE_THREAD
            and (before is None or iso(thread.thread.archive_at) < before)
        ),
        key=lambda thread: thread.thread.archive_at if thread.thread else 0,
        reverse=True,
    )
    return _listed(call, archived[:limit], more=len(archived) > limit)


def _listed(call: Call, threads: list[Channel], *, more: bool = False) -> dict[str, Any]:
    joined = [thread for thread in threads if thread.thread and thread.thread.bot_joined]
    return {
        "threads": [thread.to_json() for thread in threads],
        "members": [_thread_member(call, thread) for thread in joined],
        "has_more": more,
    }
