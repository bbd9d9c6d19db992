"""The first answer to an interaction."""

from __future__ import annotations

from typing import Any

from tests.standin import commands, rules
from tests.standin.composing import compose, revise
from tests.standin.errors import ApiError, Problems
from tests.standin.interactions import (
    DEFER,
    DEFER_UPDATE,
    FITTING,
    MODAL,
    REPLY,
    SUGGEST,
    UPDATE,
    Interaction,
)
from tests.standin.messages import COMPONENTS_V2, EPHEMERAL, LOADING, Message
from tests.standin.routing import Call, Reply, Routes

routes = Routes()

COMMAND_REPLY = 20  # message types
PLAIN_REPLY = 19


@routes.add(
    "POST",
    "/interactions/{interaction_id}/{interaction_token}/callback",
    auth="token in path",
    bucket="",
)
def callback(call: Call) -> Reply:
    body = call.form
    interaction = call.world.interactions.for_callback(
        call.params["interaction_id"], call.params["interaction_token"]
    )
    kind: int = body.get("type") or 0
    data: dict[str, Any] = body.get("data") or {}
    if kind not in FITTING[interaction.type]:
        problems = Problems()
        problems.add("type", "INTERACTION_RESPONSE_TYPE_INVALID", "It does not fit here.")
        problems.refuse()
    form = rules.Form()
    form.keys(body, {"type", "data"})
    if kind in (REPLY, DEFER, UPDATE):
        source = interaction.source if kind == UPDATE else None
        was_v2 = source is not None and source.has_v2
        form.message(data, "response", "data", was_v2=was_v2)
    elif kind == MODAL:
        form.modal(data)
    form.refuse()
    resource = _apply(call, interaction, kind, data)
    interaction.ack, interaction.acked_at = kind, call.world.clock.now()
    interaction.changed()
    if not call.flag("with_response"):
        return Reply(204)
    return Reply(200, _response(interaction, kind, resource))


def _apply(call: Call, interaction: Interaction, kind: int, data: dict[str, Any]) -> Message | None:
    if kind in (REPLY, DEFER):
        return _answer(call, interaction, data, deferred=kind == DEFER)
    if kind == UPDATE:
        assert interaction.source is not None
        revise(call.world, interaction.source, data, call.files, only_users_by_default=True)
        interaction.original = interaction.source
        call.standin.announce(interaction.source, "MESSAGE_UPDATE")
    elif kind == DEFER_UPDATE:
        interaction.original = interaction.source
    elif kind == SUGGEST:
        commands.check_suggestions(data.get("choices"))
        interaction.suggestions = data.get("choices") or []
    elif kind == MODAL:
        interaction.modal = data
    return interaction.original


def _answer(
    call: Call, interaction: Interaction, data: dict[str, Any], *, deferred: bool
) -> Message:
    flags = (data.get("flags") or 0) & (EPHEMERAL | COMPONENTS_V2)
    if deferred:
        world = call.world
        message = Message(
            world.snowflakes.mint(),
            interaction.channel,
            world.bot,
            world.clock.now(),
            "interaction",
            flags=flags & EPHEMERAL | LOADING,
        )
    else:
        message = new_answer(call, interaction, data)
        message.flags |= flags & EPHEMERAL
    message.type = COMMAND_REPLY if interaction.name else PLAIN_REPLY
    attach(call, interaction, message)
    interaction.original = message
    return message


def new_answer(call: Call, interaction: Interaction, data: dict[str, Any]) -> Message:
    """Compose a message that belongs to an interaction."""
    return compose(
        call.world,
        interaction.channel,
        call.world.bot,
        data,
        call.files,
        via="interaction",
        only_users_by_default=True,
    )


def attach(call: Call, interaction: Interaction, message: Message) -> None:
    """Tie a message to its interaction and show it in the channel."""
    message.interaction_metadata = interaction.metadata()
    message.webhook_id = message.application_id = call.world.application_id
    call.standin.post(message)


def _response(interaction: Interaction, kind: int, message: Message | None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": interaction.id,
        "type": interaction.type,
    }
    answer: dict[str, Any] = {"interaction": told}
    if message is not None:
        told |= {
            "response_message_id": message.id,
            "response_message_loading": message.loading,
            "response_message_ephemeral": message.ephemeral,
        }
        if kind in (REPLY, UPDATE):
            answer["resource"] = {"type": kind, "message": message.to_json()}
    return answer


def find(call: Call) -> Interaction:
    """Return the interaction behind the token in the path."""
    if call.params["webhook_id"] != call.world.application_id:
        raise ApiError(10015)
    return call.world.interactions.for_token(call.params["webhook_token"])
