"""The person's side: what somebody in front of a Discord client does and sees."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from . import commands, interactions, permissions, rules
from .channels import Channel
from .composing import interactive
from .messages import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .guilds import Guild, Role
    from .interactions import Interaction
    from .users import User
    from .world import World

PATIENCE = interactions.ACK_SECONDS + 0.5  # real seconds until the client shows a failure


class Answer:
    """What a person sees after acting."""

    def __init__(self, world: World, interaction: Interaction) -> None:
        self.interaction = interaction
        self._world = world

    # ── the first answer ──────────────────────────────────────────────────────────────────

    @property
    def failed(self) -> bool:
        """Whether the client said that the application did not respond."""
        return self.interaction.ack is None

    @property
    def message(self) -> Message:
        """The message that answers, or that was updated."""
        assert not self.failed, "the application did not respond"
        message = self.interaction.original
        assert message is not None, f"the answer (type {self.interaction.ack}) is no message"
        return message

    @property
    def content(self) -> str:
        """The text of the answer."""
        return self.message.content

    @property
    def embeds(self) -> list[dict[str, Any]]:
        """The embeds of the answer."""
        return self.message.embeds

    @property
    def components(self) -> list[dict[str, Any]]:
        """The components of the answer."""
        return self.message.components

    @property
    def ephemeral(self) -> bool:
        """Whether only this person sees it."""
        return self.message.ephemeral

    @property
    def deferred(self) -> bool:
        """Whether the first answer was only a promise."""
        return self.interaction.ack in (interactions.DEFER, interactions.DEFER_UPDATE)

    @property
    def updated(self) -> bool:
        """Whether the message of the component was changed instead of a new one sent."""
        return self.interaction.ack in (interactions.UPDATE, interactions.DEFER_UPDATE)

    @property
    def modal(self) -> dict[str, Any]:
        """The modal that popped up."""
        assert self.interaction.modal is not None, "no modal was shown"
        return self.interaction.modal

    @property
    def ack_seconds(self) -> float:
        """How long the first answer took, on the stand-in's clock."""
        assert self.interaction.acked_at is not None, "the application did not respond"
        return self.interaction.acked_at - self.interaction.created_at

    @property
    def followups(self) -> list[Message]:
        """The further messages, in order."""
        return [message for message in self.interaction.followups if not message.deleted]

    # ── what comes later ──────────────────────────────────────────────────────────────────

    async def until(self, seen: Callable[[Answer], object], timeout: float = 10.0) -> Answer:
        """Wait until something can be seen, and fail if it does not come."""
        async with asyncio.timeout(timeout):
            while not seen(self):
                await self.interaction.next_change()
        return self

    async def final(self, timeout: float = 10.0) -> Answer:
        """Wait until the promise is kept: an edit, a first follow-up, or a deletion."""
        message, before = self.message, self.interaction.edits_before

        def kept(answer: Answer) -> bool:
            if message.deleted or self.interaction.ack != interactions.DEFER_UPDATE:
                return message.deleted or not message.loading
            return bool(answer.followups) or len(message.edits) > before

        return await self.until(kept, timeout)


class Person:
    """An account that acts through a client; it sees only what Discord would offer it."""

    def __init__(self, world: World, user: User) -> None:
        self._world = world
        self.user = user

    @property
    def id(self) -> str:
        """The account's id."""
        return self.user.id

    @property
    def mention(self) -> str:
        """What one writes to mention the account."""
        return f"<@{self.user.id}>"

    @property
    def dm(self) -> Channel:
        """The direct conversation with the bot."""
        return self._world.dm_with(self.user)

    def private_channel_with(self, other: Person) -> Channel:
        """Return a conversation of two people that the bot is no part of."""
        return self._world.private_channel(self.user, other.user)

    # ── commands ──────────────────────────────────────────────────────────────────────────

    async def command(self, channel: Channel, name: str, /, **options: Any) -> Answer:
        """Use a slash command, with subcommands written as ``"watchlist create"``.

        Options take what a person would pick: texts, numbers, a Channel, a Person, a Role. An
        option whose name is no Python name is written with underscores.
        """
        command, path = self._offered(channel, name)
        leaf = path[-1] if path else command
        resolved = _Resolved(channel, self)
        chosen = self._fill_in(leaf, options, resolved)
        data = _nest(command, path, chosen) | resolved.to_json()
        full = " ".join([command["name"], *(node["name"] for node in path)])
        return await self._act(interactions.COMMAND, channel, data, name=full)

    async def autocomplete(
        self,
        channel: Channel,
        name: str,
        option: str,
        typed: str,
        /,
        **others: Any,
    ) -> list[dict[str, Any]]:
        """Type into an option and return the suggestions."""
        command, path = self._offered(channel, name)
        leaf = path[-1] if path else command
        known = {commands.snake(o["name"]): o for o in leaf.get("options", ())}
        assert option in known, f"/{name} has no option {option!r}: {sorted(known)}"
        focused = known.pop(option)
        assert focused.get("autocomplete"), f"{option!r} of /{name} does not autocomplete"
        resolved = _Resolved(channel, self)
        unknown = set(others) - set(known)
        assert not unknown, f"/{name} has no options {sorted(unknown)}: {sorted(known)}"
        chosen = [
            _chosen(known[key], value, resolved, finished=False) for key, value in others.items()
        ]
        chosen.append(
            {"name": focused["name"], "type": focused["type"], "value": typed, "focused": True}
        )
        data = _nest(command, path, chosen) | resolved.to_json()
        answer = await self._act(interactions.AUTOCOMPLETE, channel, data)
        assert not answer.failed, "loading options failed"
        return answer.interaction.suggestions

    async def context_menu(self, channel: Channel, name: str, target: Message | Person) -> Answer:
        """Use a command of the context menu on a message or a person."""
        kind = commands.MESSAGE if isinstance(target, Message) else commands.USER
        command = self._registered(channel, name, kind)
        resolved = _Resolved(channel, self)
        resolved.add(target)
        data = {"id": command["id"], "name": name, "type": kind, "target_id": target.id}
        data |= resolved.to_json()
        return await self._act(interactions.COMMAND, channel, data, name=name)

    # ── components and modals ─────────────────────────────────────────────────────────────

    async def click(
        self, on: Answer | Message, *, custom_id: str | None = None, label: str | None = None
    ) -> Answer:
        """Press a button, found by its custom id or by its label."""
        message = on.message if isinstance(on, Answer) else on
        button = _find(message, {rules.BUTTON}, custom_id, label)
        data = {"component_type": rules.BUTTON, "custom_id": button["custom_id"]}
        return await self._use(message, button, data)

    async def select(
        self,
        on: Answer | Message,
        values: Iterable[Any],
        *,
        custom_id: str | None = None,
        placeholder: str | None = None,
    ) -> Answer:
        """Choose in a select: option values or labels, or channels, people and roles."""
        message = on.message if isinstance(on, Answer) else on
        menu = _find(message, rules.SELECTS, custom_id, placeholder)
        resolved = _Resolved(message.channel, self)
        values = list(values)
        assert menu["min_values"] <= len(values) <= menu["max_values"], "too few or too many"
        if menu["type"] == rules.STRING_SELECT:
            named = {o["label"]: o["value"] for o in menu["options"]}
            chosen = [named.get(value, value) for value in values]
            unknown = set(chosen) - set(named.values())
            assert not unknown, f"the select does not offer {unknown}"
        else:
            chosen = [resolved.add(value) for value in values]
        data = {"component_type": menu["type"], "custom_id": menu["custom_id"], "values": chosen}
        return await self._use(message, menu, data | resolved.to_json())

    async def submit_modal(self, answer: Answer, /, **fields: Any) -> Answer:
        """Fill in the modal that an answer showed, by custom ids, and send it."""
        modal = answer.modal
        missing = dict(fields)
        filled = [_filled(component, missing) for component in modal["components"]]
        assert not missing, f"the modal has no such fields: {sorted(missing)}"
        data = {"custom_id": modal["custom_id"], "components": filled}
        return await self._act(
            interactions.MODAL_SUBMIT,
            answer.interaction.channel,
            data,
            source=answer.interaction.source,
        )

    async def _use(
        self, message: Message, component: dict[str, Any], data: dict[str, Any]
    ) -> Answer:
        assert not message.deleted, "the message is gone"
        assert not component.get("disabled"), "it is greyed out"
        data["id"] = component["id"]
        return await self._act(interactions.COMPONENT, message.channel, data, source=message)

    # ── messages ──────────────────────────────────────────────────────────────────────────

    def say(self, channel: Channel, content: str) -> Message:
        """Write a message."""
        world = self._world
        message = Message(
            world.snowflakes.mint(), channel, self.user, world.clock.now(), "person", content
        )
        mentions = [user for user in world.users.values() if f"<@{user.id}>" in content]
        message.mentions = mentions
        world.post(message)
        return message

    def delete(self, message: Message) -> None:
        """Delete a message, one's own or as a moderator."""
        held = message.channel.permissions_of(self.id)
        may = message.author is self.user or permissions.has(held, "manage_messages")
        assert may, "may not delete other people's messages"
        self._world.delete(message)

    def close_dms(self) -> None:
        """Refuse direct messages from now on."""
        self.user.closed_dms = True

    # ── inside ────────────────────────────────────────────────────────────────────────────

    async def _act(
        self,
        kind: int,
        channel: Channel,
        data: dict[str, Any],
        *,
        source: Message | None = None,
        name: str = "",
    ) -> Answer:
        self._check_presence(channel)
        interaction = self._world.interactions.open(
            kind, self.user, channel, data, source=source, name=name
        )
        answer = Answer(self._world, interaction)
        try:
            return await answer.until(lambda a: not a.failed, PATIENCE)
        except TimeoutError:
            return answer

    def _offered(self, channel: Channel, name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        first, *rest = name.split()
        command = self._registered(channel, first, commands.CHAT_INPUT)
        return command, commands.walk_to(command, rest)

    def _registered(self, channel: Channel, name: str, kind: int) -> dict[str, Any]:
        """Return a command if this person would find it here."""
        self._check_presence(channel)
        command = self._world.commands.find(name, kind, channel.guild_id)
        assert command is not None, f"the command {name!r} is not registered"
        context = self._world.interactions.context(channel)
        contexts = command.get("contexts")
        installed = set(command.get("integration_types", [0]))
        here = set()
        if context == interactions.IN_BOT_DM or (channel.guild and channel.guild.bot_present):
            here.add(0)
        if self.user.installed_app:
            here.add(1)
        assert installed & here, f"{name!r} is not installed here"
        if contexts is not None:
            assert context in contexts, f"{name!r} is not offered in this context"
        elif context == interactions.IN_BOT_DM:
            assert command.get("dm_permission", True), f"{name!r} is not offered in DMs"
        self._check_permissions(command, channel)
        return command

    def _check_presence(self, channel: Channel) -> None:
        if channel.guild is None:
            return
        assert self.user.id in channel.guild.members, f"{self.user.username} is no member"
        held = channel.permissions_of(self.user.id)
        assert permissions.has(held, "view_channel"), "cannot see the channel"

    def _check_permissions(self, command: dict[str, Any], channel: Channel) -> None:
        if channel.guild is None:
            return
        held = channel.permissions_of(self.user.id)
        assert permissions.has(held, "use_application_commands"), "may not use commands here"
        needed = command["default_member_permissions"]
        if needed is None:
            return
        administrator = permissions.has(held, "administrator")
        enough = int(needed) and held & int(needed) == int(needed)
        assert administrator or enough, f"{command['name']!r} needs permissions that are missing"

    def _fill_in(
        self, leaf: dict[str, Any], given: dict[str, Any], resolved: _Resolved
    ) -> list[dict[str, Any]]:
        known = {commands.snake(option["name"]): option for option in leaf.get("options", ())}
        unknown = set(given) - set(known)
        assert not unknown, f"/{leaf['name']} has no options {sorted(unknown)}: {sorted(known)}"
        required = {name for name, option in known.items() if option.get("required")}
        missing = required - {name for name, value in given.items() if value is not None}
        assert not missing, f"/{leaf['name']} needs {sorted(missing)}"
        return [
            _chosen(known[name], value, resolved)
            for name, value in given.items()
            if value is not None
        ]


class _Resolved:
    """The objects behind the ids that a person picked."""

    def __init__(self, channel: Channel, actor: Person) -> None:
        self._channel = channel
        self._actor = actor
        self._parts: dict[str, dict[str, Any]] = {}

    def add(self, value: Channel | Person | Role | Message) -> str:
        """Take up one object and return its id."""
        guild = self._channel.guild
        if isinstance(value, Channel):
            self._put("channels", value.id, self._partial_channel(value))
        elif isinstance(value, Person):
            self._put("users", value.id, value.user.to_json())
            if guild and value.id in guild.members:
                self._put("members", value.id, self._partial_member(guild, value.id))
        elif isinstance(value, Message):
            self._put("messages", value.id, value.to_json())
        else:
            self._put("roles", value.id, value.to_json())
        return value.id

    def to_json(self) -> dict[str, Any]:
        """Write the part of the interaction's data, if there is any."""
        return {"resolved": self._parts} if self._parts else {}

    def _put(self, kind: str, key: str, data: dict[str, Any]) -> None:
        self._parts.setdefault(kind, {})[key] = data

    def _partial_channel(self, channel: Channel) -> dict[str, Any]:
        world = channel.world
        data = channel.to_json()
        for key in ("permission_overwrites", "available_tags"):
            data.pop(key, None)
        data["permissions"] = str(channel.permissions_of(self._actor.id))
        data["app_permissions"] = str(channel.permissions_of(world.bot.id))
        return data

    def _partial_member(self, guild: Guild, user_id: str) -> dict[str, Any]:
        data = guild.members[user_id].to_json()
        for key in ("user", "deaf", "mute"):
            del data[key]
        return data | {"permissions": str(permissions.in_guild(guild, user_id))}


def _chosen(
    option: dict[str, Any], value: Any, resolved: _Resolved, *, finished: bool = True
) -> dict[str, Any]:
    """Turn a picked value into what the client sends, if the client would let it pass."""
    kind, name = option["type"], option["name"]
    if choices := option.get("choices"):
        named = {choice["name"]: choice["value"] for choice in choices}
        value = named.get(value, value)
        assert value in named.values(), f"{name!r} does not offer {value!r}: {sorted(named)}"
    elif kind == commands.STRING:
        assert isinstance(value, str), f"{name!r} is a text"
        least, most = option.get("min_length", 0), option.get("max_length", 6000)
        assert not finished or least <= len(value) <= most, (
            f"{name!r} must have {least} to {most} characters"
        )
    elif kind in (commands.INTEGER, commands.NUMBER):
        allowed = int if kind == commands.INTEGER else int | float
        assert isinstance(value, allowed), f"{name!r} is a number"
        assert option.get("min_value", value) <= value <= option.get("max_value", value), name
    elif kind == commands.BOOLEAN:
        assert isinstance(value, bool), f"{name!r} is true or false"
    else:
        if kind == commands.CHANNEL_OPTION:
            assert isinstance(value, Channel), f"{name!r} is a channel"
            kinds = option.get("channel_types")
            assert not kinds or value.type in kinds, f"{name!r} does not offer such a channel"
        value = resolved.add(value)
    return {"name": name, "type": kind, "value": value}


def _nest(
    command: dict[str, Any], path: list[dict[str, Any]], chosen: list[dict[str, Any]]
) -> dict[str, Any]:
    """Wrap the chosen options in the subcommands that lead to them."""
    options = chosen
    for node in reversed(path):
        options = [{"name": node["name"], "type": node["type"], "options": options}]
    data = {"id": command["id"], "name": command["name"], "type": command["type"]}
    if options:
        data["options"] = options
    if "guild_id" in command:
        data["guild_id"] = command["guild_id"]
    return data


def _find(
    message: Message, kinds: Iterable[int], custom_id: str | None, text: str | None
) -> dict[str, Any]:
    """Return the one component of these kinds that fits."""
    usable = [
        component
        for component in interactive(message.components)
        if component["type"] in kinds and component.get("custom_id")
    ]
    fitting = [
        component
        for component in usable
        if (custom_id is None or component["custom_id"] == custom_id)
        and (text is None or text in (component.get("label"), component.get("placeholder")))
    ]
    seen = [(c["custom_id"], c.get("label")) for c in usable]
    assert len(fitting) == 1, f"{len(fitting)} components fit; the message has {seen}"
    return fitting[0]


def _filled(component: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    """Write a modal's component as the client sends it back, taking values out of ``fields``."""
    kind = component["type"]
    result: dict[str, Any] = {"type": kind, "id": component.get("id") or 1}
    if kind == rules.ROW:
        result["components"] = [_filled(child, fields) for child in component["components"]]
    elif kind == rules.LABEL_BOX:
        result["component"] = _filled(component["component"], fields)
    elif "custom_id" in component:
        custom_id = component["custom_id"]
        result["custom_id"] = custom_id
        value = fields.pop(custom_id, None)
        required = component.get("required", True) and not component.get("value")
        assert value is not None or not required, f"the field {custom_id!r} must be filled in"
        if kind == rules.TEXT_INPUT:
            result["value"] = component.get("value", "") if value is None else value
        elif kind == rules.CHECKBOX_GROUP or kind in rules.SELECTS:
            result["values"] = list(value or ())
        else:
            result["value"] = value
    return result
