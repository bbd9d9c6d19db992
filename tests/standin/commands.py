"""Application commands: what may be registered, and what is."""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from typing import TYPE_CHECKING, Any

from .errors import ApiError
from .rules import Form

if TYPE_CHECKING:
    from .world import World

CHAT_INPUT, USER, MESSAGE = 1, 2, 3
SUB_COMMAND, SUB_COMMAND_GROUP, STRING, INTEGER, BOOLEAN = 1, 2, 3, 4, 5
USER_OPTION, CHANNEL_OPTION, ROLE_OPTION, MENTIONABLE, NUMBER, ATTACHMENT = 6, 7, 8, 9, 10, 11
MOST = {CHAT_INPUT: 100, USER: 15, MESSAGE: 15}
DAILY_CREATES = 200
OPTIONS, CHOICES, TOTAL = 25, 25, 8000

_KEYS = {"id", "type", "name", "name_localizations", "description", "description_localizations"}
COMMAND_KEYS = _KEYS | {
    *("options", "default_member_permissions", "dm_permission", "default_permission", "nsfw"),
    *("contexts", "integration_types", "handler"),
}
OPTION_KEYS = (_KEYS - {"id"}) | {
    *("required", "choices", "options", "channel_types", "min_value", "max_value"),
    *("min_length", "max_length", "autocomplete"),
}
CHOICE_KEYS = {"name", "name_localizations", "value"}


def check(commands: list[dict[str, Any]]) -> None:
    """Refuse a bulk overwrite that Discord would refuse."""
    form = Form()
    seen: set[tuple[int, str]] = set()
    for index, command in enumerate(commands):
        kind = command.get("type") or CHAT_INPUT
        form.keys(command, COMMAND_KEYS, str(index))
        _check_named(form, command, str(index), lower=kind == CHAT_INPUT)
        if (kind, command.get("name", "")) in seen:
            message = "Application command names must be unique"
            form.problems.add(f"{index}.name", "APPLICATION_COMMANDS_DUPLICATE_NAME", message)
        seen.add((kind, command.get("name", "")))
        if kind == CHAT_INPUT:
            form.text(command.get("description") or "", f"{index}.description", 100, 1)
            _check_options(form, command, str(index), depth=0)
        elif command.get("options") or command.get("description"):
            message = "Context menu commands have neither description nor options"
            form.problems.add(str(index), "APPLICATION_COMMAND_INVALID", message)
        if _size(command) > TOTAL:
            message = f"Command exceeds maximum size ({TOTAL})"
            form.problems.add(str(index), "APPLICATION_COMMAND_TOO_LARGE", message)
    form.refuse()
    for kind, most in MOST.items():
        if sum((c.get("type") or CHAT_INPUT) == kind for c in commands) > most:
            raise ApiError(30032)


def _check_named(form: Form, item: dict[str, Any], path: str, *, lower: bool) -> None:
    names = {"name": item.get("name") or ""}
    for locale, name in (item.get("name_localizations") or {}).items():
        names[f"name_localizations.{locale}"] = name
    for key, name in names.items():
        at = f"{path}.{key}"
        form.text(name, at, 32, 1)
        if lower and isinstance(name, str) and name and not _is_command_name(name):
            message = "Command name is invalid"
            form.problems.add(at, "APPLICATION_COMMAND_INVALID_NAME", message)
    for locale, text in (item.get("description_localizations") or {}).items():
        form.text(text, f"{path}.description_localizations.{locale}", 100, 1)


def _is_command_name(name: str) -> bool:
    ok = all(c.isalnum() or c in "-_'" or unicodedata.category(c)[0] == "M" for c in name)
    return ok and name == name.lower()


def _check_options(form: Form, parent: dict[str, Any], path: str, *, depth: int) -> None:
    options = form.listing(parent.get("options"), f"{path}.options", OPTIONS)
    names: set[str] = set()
    optional_seen = False
    for index, option in enumerate(options):
        at = f"{path}.options.{index}"
        form.keys(option, OPTION_KEYS, at)
        _check_named(form, option, at, lower=True)
        form.text(option.get("description") or "", f"{at}.description", 100, 1)
        if option.get("name") in names:
            message = "Option names must be unique"
            form.problems.add(f"{at}.name", "APPLICATION_COMMAND_OPTIONS_NAME_INVALID", message)
        names.add(option.get("name", ""))
        kind = option.get("type")
        if kind in (SUB_COMMAND, SUB_COMMAND_GROUP):
            if depth + (kind == SUB_COMMAND_GROUP) > 1:
                message = "Groups do not nest"
                form.problems.add(at, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message)
            _check_options(form, option, at, depth=depth + 1)
            continue
        if option.get("required") and optional_seen:
            message = "Required options must be placed before non-required options"
            form.problems.add(at, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message)
        optional_seen = optional_seen or not option.get("required")
        _check_choices(form, option, at)
    kinds = {option.get("type") in (SUB_COMMAND, SUB_COMMAND_GROUP) for option in options}
    if len(kinds) > 1:
        message = "Sub-command and sub-command group option types are mutually exclusive"
        form.problems.add(f"{path}.options", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message)


def _check_choices(form: Form, option: dict[str, Any], path: str) -> None:
    choices = form.listing(option.get("choices"), f"{path}.choices", CHOICES)
    if choices and option.get("autocomplete"):
        message = "Choices and autocomplete exclude each other"
        form.problems.add(path, "APPLICATION_COMMAND_OPTIONS_INVALID", message)
    for index, choice in enumerate(choices):
        at = f"{path}.choices.{index}"
        form.keys(choice, CHOICE_KEYS, at)
        form.text(choice.get("name") or "", f"{at}.name", 100, 1)
        if option.get("type") == STRING:
            form.text(choice.get("value"), f"{at}.value", 100, 1)


def check_suggestions(choices: object) -> None:
    """Refuse autocomplete results that Discord would refuse."""
    form = Form()
    for index, choice in enumerate(form.listing(choices, "data.choices", CHOICES)):
        at = f"data.choices.{index}"
        form.keys(choice, CHOICE_KEYS, at)
        form.text(choice.get("name") or "", f"{at}.name", 100, 1)
        if isinstance(choice.get("value"), str):
            form.text(choice["value"], f"{at}.value", 100, 1)
    form.refuse()


def _size(item: dict[str, Any]) -> int:
    """Count the characters of a command or option; of translations the longest counts."""

    def longest(key: str) -> int:
        texts = [item.get(key) or "", *(item.get(f"{key}_localizations") or {}).values()]
        return max(map(len, texts))

    size = longest("name") + longest("description")
    for choice in item.get("choices") or ():
        value = choice.get("value")
        size += len(choice.get("name") or "") + (len(value) if isinstance(value, str) else 0)
    return size + sum(_size(option) for option in item.get("options") or ())


class Commands:
    """The registered commands, global ones and those of single guilds."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._scopes: dict[str | None, dict[tuple[int, str], dict[str, Any]]] = {}
        self._created: dict[str | None, deque[float]] = {}

    def listed(self, guild_id: str | None = None) -> list[dict[str, Any]]:
        """Return what is registered globally, or in one guild."""
        return list(self._scopes.get(guild_id, {}).values())

    def overwrite(
        self, commands: list[dict[str, Any]], guild_id: str | None = None
    ) -> list[dict[str, Any]]:
        """Replace a scope; commands that keep name and type keep their id."""
        check(commands)
        before = self._scopes.get(guild_id, {})
        fresh = [c for c in commands if (c.get("type") or 1, c["name"]) not in before]
        self._count_creates(len(fresh), guild_id)
        after = {}
        for command in commands:
            key = (command.get("type") or CHAT_INPUT, command["name"])
            after[key] = self._stored(command, before.get(key), guild_id)
        self._scopes[guild_id] = after
        return list(after.values())

    def remove(self, command_id: str, guild_id: str | None = None) -> bool:
        """Delete one command; tell whether it was there."""
        scope = self._scopes.get(guild_id, {})
        for key, command in scope.items():
            if command["id"] == command_id:
                del scope[key]
                return True
        return False

    def find(self, name: str, kind: int, guild_id: str | None) -> dict[str, Any] | None:
        """Return the command that a person in this place would be offered."""
        for scope in (guild_id, None):
            if command := self._scopes.get(scope, {}).get((kind, name)):
                return command
        return None

    def _count_creates(self, count: int, guild_id: str | None) -> None:
        now = self._world.clock.now()
        log = self._created.setdefault(guild_id, deque())
        while log and log[0] <= now - 86_400:
            log.popleft()
        if len(log) + count > DAILY_CREATES:
            raise ApiError(30034)
        log.extend([now] * count)

    def _stored(
        self, command: dict[str, Any], before: dict[str, Any] | None, guild_id: str | None
    ) -> dict[str, Any]:
        kind = command.get("type") or CHAT_INPUT
        needed = command.get("default_member_permissions")
        stored: dict[str, Any] = {
            "id": before["id"] if before else self._world.snowflakes.mint(),
            "application_id": self._world.application_id,
            "version": self._world.snowflakes.mint(),
            "type": kind,
            "name": command["name"],
            "name_localizations": command.get("name_localizations"),
            "description": command.get("description") or "",
            "description_localizations": command.get("description_localizations"),
            "default_member_permissions": None if needed is None else str(needed),
            "nsfw": bool(command.get("nsfw")),
        }
        if guild_id is None:
            stored["integration_types"] = command.get("integration_types") or [0]
            stored["contexts"] = command.get("contexts")
            stored["dm_permission"] = command.get("dm_permission") is not False
        else:
            stored["guild_id"] = guild_id
        if command.get("options"):
            stored["options"] = [_stored_option(option) for option in command["options"]]
        return stored


def _stored_option(option: dict[str, Any]) -> dict[str, Any]:
    stored = {key: value for key, value in option.items() if value is not None}
    if "options" in stored:
        stored["options"] = [_stored_option(inner) for inner in stored["options"]]
    return stored


def walk_to(command: dict[str, Any], words: list[str]) -> list[dict[str, Any]]:
    """Follow subcommand names; return the options on the way, the last one being chosen."""
    path: list[dict[str, Any]] = []
    node = command
    for word in words:
        inner = {o["name"]: o for o in node.get("options", ()) if o["type"] in (1, 2)}
        assert word in inner, f"/{command['name']} has no subcommand {word!r}: {sorted(inner)}"
        node = inner[word]
        path.append(node)
    leaf = not any(o["type"] in (1, 2) for o in node.get("options", ()))
    assert leaf, f"/{command['name']} needs a subcommand: {[o['name'] for o in node['options']]}"
    return path


def snake(name: str) -> str:
    """Return an option's name as a Python keyword argument can spell it."""
    return re.sub(r"[^\w]", "_", name)
