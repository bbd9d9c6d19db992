"""Webhooks, and the follow-ups of interactions, which Discord serves under the same paths."""

from __future__ import annotations

from typing import Any

from tests.standin.channels import FORUM
from tests.standin.composing import compose, revise
from tests.standin.errors import ApiError
from tests.standin.interactions import USER_APP_FOLLOWUPS, Interaction
from tests.standin.limits import Limited, Refusal
from tests.standin.messages import EPHEMERAL, LOADING, Message
from tests.standin.routing import Call, Reply, Routes
from tests.standin.rules import Form
from tests.standin.users import User
from tests.standin.world import Webhook

from .interactions import attach, find, new_answer
from .messages import check_message

routes = Routes()

HOOK = "/webhooks/{webhook_id}/{webhook_token}"
ONE = HOOK + "/messages/{message_id}"
ORIGINAL = HOOK + "/messages/@original"


@routes.add("POST", HOOK, auth="token in path", bucket="webhook")
def execute(call: Call) -> Any:
    if call.world.interactions.knows(call.params["webhook_token"]):
        return _follow_up(call, find(call))
    webhook, body = _webhook(call), call.form
    check_message(body, "webhook")
    _count_channel(call, webhook)
    channel = webhook.channel
    if thread_id := call.query.get("thread_id"):
        thread = call.world.channels.get(thread_id)
        if thread is None or thread.parent_id != channel.id:
            raise ApiError(10003)
        channel = thread
    elif channel.type == FORUM:
        raise ApiError(220001)
    author = User(webhook.id, body.get("username") or webhook.name, bot=True)
    message = compose(call.world, channel, author, body, call.files, via="webhook")
    message.webhook_id = webhook.id
    call.standin.post(message)
    return message.to_json() if call.flag("wait") else Reply(204)


def _count_channel(call: Call, webhook: Webhook) -> None:
    """All webhooks of a channel share a limit that no header shows."""
    limits = call.standin.limits
    _, wait = call.standin.counters.take(
        "webhook_channel", webhook.channel.id, limits.webhook_channel
    )
    if wait:
        raise Limited(Refusal("shared", wait))


def _webhook(call: Call) -> Webhook:
    if call.params["webhook_id"] == call.world.application_id:
        raise ApiError(50027)  # the token of an interaction that never was
    webhook = call.world.webhooks.get(call.params["webhook_id"])
    if webhook is None or webhook.channel.deleted:
        raise ApiError(10015)
    if webhook.token != call.params["webhook_token"]:
        raise ApiError(50027)
    return webhook


def _follow_up(call: Call, interaction: Interaction) -> dict[str, Any]:
    body = call.form
    check_message(body, "webhook")
    original = interaction.original
    if original is not None and original.loading:
        # The first follow-up after a deferral takes the place of "is thinking".
        _resolve(call, interaction, original)
        return original.to_json()
    if interaction.user_app_only and len(interaction.followups) >= USER_APP_FOLLOWUPS:
        raise ApiError(40094)
    message = new_answer(call, interaction, body)
    message.flags |= (body.get("flags") or 0) & EPHEMERAL
    message.type = 19
    attach(call, interaction, message)
    interaction.followups.append(message)
    interaction.changed()
    return message.to_json()


def _resolve(call: Call, interaction: Interaction, message: Message) -> None:
    """Apply an edit to an answer; a placeholder becomes the answer."""
    was_loading = message.loading
    revise(
        call.world,
        message,
        call.form,
        call.files,
        only_users_by_default=True,
        silently=was_loading,
    )
    message.flags &= ~LOADING
    interaction.changed()
    if not message.ephemeral:
        call.standin.announce(message, "MESSAGE_UPDATE")


def _target(call: Call) -> tuple[Message, Interaction | None]:
    """Return the message of the path, and the interaction that it answers, if any."""
    wanted = call.params.get("message_id", "@original")
    if not call.world.interactions.knows(call.params["webhook_token"]):
        webhook = _webhook(call)
        channel = call.world.channels.get(call.query.get("thread_id", "")) or webhook.channel
        message = channel.messages.get(wanted)
        if message is None or message.deleted or message.webhook_id != webhook.id:
            raise ApiError(10008)
        return message, None
    interaction = find(call)
    owned = [interaction.original, *interaction.followups]
    for message in owned:
        if message is None or message.deleted:
            continue
        if message.id == wanted or (wanted == "@original" and message is interaction.original):
            return message, interaction
    raise ApiError(10008)


@routes.add("GET", ORIGINAL, auth="token in path", bucket="webhook_reads")
@routes.add("GET", ONE, auth="token in path", bucket="webhook_reads")
def get_webhook_message(call: Call) -> dict[str, Any]:
    return _target(call)[0].to_json()


@routes.add("PATCH", ORIGINAL, auth="token in path", bucket="webhook")
@routes.add("PATCH", ONE, auth="token in path", bucket="webhook")
def edit_webhook_message(call: Call) -> dict[str, Any]:
    body = call.form
    message, interaction = _target(call)
    check_message(body, "edit", message)
    if interaction is not None:
        _resolve(call, interaction, message)
    else:
        revise(call.world, message, body, call.files)
        call.standin.announce(message, "MESSAGE_UPDATE")
    return message.to_json()


@routes.add("DELETE", ORIGINAL, auth="token in path", bucket="webhook")
@routes.add("DELETE", ONE, auth="token in path", bucket="webhook")
def delete_webhook_message(call: Call) -> Reply:
    message, interaction = _target(call)
    call.standin.delete(message)
    if interaction is not None:
        interaction.changed()
    return Reply(204)


@routes.add("GET", HOOK, auth="token in path")
def get_webhook_with_token(call: Call) -> dict[str, Any]:
    data = _webhook(call).to_json()
    del data["user"]  # whoever has only the token does not learn who made it
    return data


@routes.add("POST", "/channels/{channel_id}/webhooks")
def create_webhook(call: Call) -> dict[str, Any]:
    channel, body = call.world.channel(call.params["channel_id"]), call.form
    form = Form()
    form.keys(body, {"name", "avatar"})
    form.text(body.get("name") or "", "name", 80, 1)
    form.refuse()
    call.world.need(channel, "manage_webhooks")
    if sum(hook.channel is channel for hook in call.world.webhooks.values()) >= 15:
        raise ApiError(30007)
    return call.world.add_webhook(channel, body["name"]).to_json()


@routes.add("GET", "/channels/{channel_id}/webhooks")
def list_webhooks(call: Call) -> list[dict[str, Any]]:
    channel = call.world.channel(call.params["channel_id"])
    call.world.need(channel, "manage_webhooks")
    return [h.to_json() for h in call.world.webhooks.values() if h.channel is channel]
