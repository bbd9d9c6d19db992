"""Messages in channels: sending, reading, editing, deleting, publishing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.standin import permissions, rules
from tests.standin.channels import CATEGORY, DM, FORUM, NEWS
from tests.standin.composing import compose, revise
from tests.standin.errors import ApiError, Problems
from tests.standin.limits import Limited, Refusal
from tests.standin.messages import CROSSPOSTED, IS_CROSSPOST, Message
from tests.standin.routing import Call, Reply, Routes

if TYPE_CHECKING:
    from tests.standin.channels import Channel

routes = Routes()

OLD = 3600.0  # after an hour edits become scarce
OLD_EDIT_WAIT = 1.0  # what Discord says here is not known
REPLY = 19


def check_message(body: dict[str, Any], kind: str, target: Message | None = None) -> None:
    """Let the rules judge a body, which may change a message that is there already."""
    form = rules.Form()
    form.message(body, kind, was_v2=target is not None and target.has_v2)
    form.refuse()


def need_to_send(call: Call, channel: Channel, body: dict[str, Any]) -> None:
    """Refuse unless the bot may send this here."""
    if channel.type == DM:
        if not all(call.world.may_write_to(user) for user in channel.recipients):
            raise ApiError(50007)
        return
    needed = ["send_messages_in_threads" if channel.is_thread else "send_messages"]
    if body.get("embeds"):
        needed.append("embed_links")
    if call.files:
        needed.append("attach_files")
    call.world.need(channel, *needed)


def _refuse_locked(call: Call, channel: Channel) -> None:
    """Only moderators write into a locked thread."""
    if channel.thread is None or not channel.thread.locked:
        return
    if not permissions.has(channel.permissions_of(call.world.bot.id), "manage_threads"):
        raise ApiError(160005)


def _reference(call: Call, channel: Channel, body: dict[str, Any]) -> dict[str, Any] | None:
    wanted = body.get("message_reference")
    if not wanted:
        return None
    target = channel.messages.get(str(wanted.get("message_id")))
    if target is None or target.deleted:
        if wanted.get("fail_if_not_exists", True):
            problems = Problems()
            problems.add(
                "message_reference", "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message"
            )
            problems.refuse()
        return None
    if channel.guild and not permissions.has(
        channel.permissions_of(call.world.bot.id), "read_message_history"
    ):
        raise ApiError(160002)
    reference = {"type": 0, "channel_id": channel.id, "message_id": target.id}
    return reference | ({"guild_id": channel.guild.id} if channel.guild else {})


@routes.add("POST", "/channels/{channel_id}/messages", bucket="messages")
def create_message(call: Call) -> dict[str, Any]:
    world, body = call.world, call.form
    channel = world.channel(call.params["channel_id"])
    if channel.type == FORUM:
        raise ApiError(40058)
    if channel.type == CATEGORY:
        raise ApiError(50008)
    check_message(body, "message")
    need_to_send(call, channel, body)
    _refuse_locked(call, channel)
    nonce, enforced = body.get("nonce"), bool(body.get("enforce_nonce"))
    if enforced and nonce is not None:
        earlier = world.earlier(world.bot.id, str(nonce))
        if earlier is not None:
            if earlier.deleted:
                raise ApiError(10008)
            return earlier.to_json()
    reference = _reference(call, channel, body)
    message = compose(world, channel, world.bot, body, call.files, via="sent")
    message.nonce = nonce
    if channel.thread and channel.thread.archived:
        channel.unarchive()  # writing opens it again
    if reference:
        message.reference, message.type = reference, REPLY
    if nonce is not None:
        world.remember_nonce(message)
    call.standin.post(message)
    return message.to_json()


@routes.add("GET", "/channels/{channel_id}/messages")
def list_messages(call: Call) -> list[dict[str, Any]]:
    channel = call.world.channel(call.params["channel_id"])
    if channel.guild and not permissions.has(
        channel.permissions_of(call.world.bot.id), "read_message_history"
    ):
        return []
    shown = [m for m in channel.messages.values() if not m.deleted and not m.ephemeral]
    limit = int(call.query.get("limit", 50))
    if not 1 <= limit <= 100:
        problems = Problems()
        problems.add("limit", "NUMBER_TYPE_MAX", "int value should be between 1 and 100.")
        problems.refuse()
    if before := call.query.get("before"):
        shown = [m for m in shown if int(m.id) < int(before)]
    if after := call.query.get("after"):
        shown = [m for m in shown if int(m.id) > int(after)][:limit]
    if around := call.query.get("around"):
        earlier = [m for m in shown if int(m.id) <= int(around)]
        later = [m for m in shown if int(m.id) > int(around)]
        half = limit // 2
        shown = earlier[-(limit - half) :] + later[:half]
    return [message.to_json() for message in reversed(shown[-limit:])]


def _message(call: Call, channel: Channel) -> Message:
    message = channel.messages.get(call.params["message_id"])
    if message is None or message.deleted or message.ephemeral:
        raise ApiError(10008)
    return message


@routes.add("GET", "/channels/{channel_id}/messages/{message_id}")
def get_message(call: Call) -> dict[str, Any]:
    channel = call.world.channel(call.params["channel_id"])
    if channel.guild:
        call.world.need(channel, "read_message_history")
    return _message(call, channel).to_json()


@routes.add("PATCH", "/channels/{channel_id}/messages/{message_id}", bucket="edits")
def edit_message(call: Call) -> dict[str, Any]:
    world, body = call.world, call.form
    channel = world.channel(call.params["channel_id"])
    message = _message(call, channel)
    if message.author is not world.bot:
        raise ApiError(50005)
    check_message(body, "edit", message)
    if channel.thread and channel.thread.archived:
        raise ApiError(50083)
    if channel.guild and body.get("embeds"):
        world.need(channel, "embed_links")
    if channel.guild and call.files:
        world.need(channel, "attach_files")
    _count_old_edit(call, message)
    revise(world, message, body, call.files)
    call.standin.announce(message, "MESSAGE_UPDATE")
    return message.to_json()


def _count_old_edit(call: Call, message: Message) -> None:
    now = call.world.clock.now()
    if now - message.created_at <= OLD:
        return
    late = [edit for edit in message.edits if edit.at - message.created_at > OLD]
    if sum(now - edit.at < OLD for edit in late) >= call.standin.old_edits:
        raise Limited(
            Refusal(
                "user",
                OLD_EDIT_WAIT,
                30046,
                "Maximum number of edits to messages older than 1 hour reached. Try again later.",
            )
        )


@routes.add("DELETE", "/channels/{channel_id}/messages/{message_id}", bucket="deletes")
def delete_message(call: Call) -> Reply:
    channel = call.world.channel(call.params["channel_id"])
    message = _message(call, channel)
    if message.author is not call.world.bot:
        if channel.type == DM:
            raise ApiError(50003)
        call.world.need(channel, "manage_messages")
    if channel.thread and channel.thread.archived:
        raise ApiError(50083)
    call.standin.delete(message)
    return Reply(204)


@routes.add("POST", "/channels/{channel_id}/messages/{message_id}/crosspost", bucket="crossposts")
def crosspost(call: Call) -> dict[str, Any]:
    world = call.world
    channel = world.channel(call.params["channel_id"])
    if channel.type != NEWS:
        raise ApiError(50024)
    message = _message(call, channel)
    world.need(channel, "send_messages" if message.author is world.bot else "manage_messages")
    if message.crossposted_at is not None:
        raise ApiError(40033)
    message.crossposted_at = world.clock.now()
    message.flags |= CROSSPOSTED
    for follower in channel.followers:
        copy = Message(
            world.snowflakes.mint(),
            follower,
            world.bot,
            world.clock.now(),
            "crosspost",
            message.content,
            message.embeds,
            message.components,
            flags=message.flags & ~CROSSPOSTED | IS_CROSSPOST,
            reference={"type": 0, "channel_id": channel.id, "message_id": message.id}
            | ({"guild_id": channel.guild.id} if channel.guild else {}),
        )
        call.standin.post(copy)
    call.standin.announce(message, "MESSAGE_UPDATE")
    return message.to_json()


@routes.add("POST", "/channels/{channel_id}/typing")
def trigger_typing(call: Call) -> Reply:
    channel = call.world.channel(call.params["channel_id"])
    if channel.guild:
        call.world.need(channel, "send_messages")
    return Reply(204)
