"""What Discord refuses in a message body, whether or not the official description says so.

Two kinds of refusal are kept apart: a key that Discord does not know is a typo in the bot and
fails the test; everything else is an ordinary 400 with code 50035.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .errors import ApiError, Problems
from .messages import COMPONENTS_V2

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from .messages import Message

CONTENT, NONCE, FILES = 2000, 25, 10
EMBEDS, EMBED_TOTAL, FIELDS = 10, 6000, 25
TITLE, DESCRIPTION, FOOTER, AUTHOR, FIELD_NAME, FIELD_VALUE = 256, 4096, 2048, 256, 256, 1024
URL, COMPONENTS, TEXT_TOTAL, CUSTOM_ID, LABEL = 2048, 40, 4000, 100, 80
ROWS, BUTTONS, OPTIONS, GALLERY, SECTION_TEXTS = 5, 5, 25, 10, 3

_SHARED = {"content", "embeds", "allowed_mentions", "components", "flags", "attachments", "tts"}
KEYS: dict[str, set[str]] = {
    "message": _SHARED
    | {"sticker_ids", "poll", "message_reference", "nonce", "enforce_nonce"}
    | {"shared_client_theme"},
    "edit": _SHARED | {"sticker_ids"},
    "starter": _SHARED | {"sticker_ids", "poll", "shared_client_theme", "nonce", "enforce_nonce"},
    "webhook": _SHARED | {"poll", "username", "avatar_url", "thread_name", "applied_tags"},
    "response": _SHARED | {"poll"},
    "embed": {"title", "type", "description", "url", "timestamp", "color", "footer", "image"}
    | {"thumbnail", "video", "provider", "author", "fields", "flags"},
    "footer": {"text", "icon_url", "proxy_icon_url"},
    "media": {"url", "proxy_url", "width", "height", "content_type", "placeholder", "flags"}
    | {"placeholder_version", "description", "is_animated"},
    "provider": {"name", "url"},
    "author": {"name", "url", "icon_url", "proxy_icon_url"},
    "field": {"name", "value", "inline"},
    "allowed_mentions": {"parse", "roles", "users", "replied_user"},
    "attachment": {"id", "filename", "description", "title", "is_remix", "is_spoiler"}
    | {"duration_secs", "waveform", "size", "content_type", "url", "proxy_url", "width", "height"}
    | {"spoiler", "flags", "ephemeral"},
    "reference": {"type", "message_id", "channel_id", "guild_id", "fail_if_not_exists"},
    "option": {"label", "value", "description", "emoji", "default"},
    "emoji": {"id", "name", "animated"},
}

ROW, BUTTON, STRING_SELECT, TEXT_INPUT = 1, 2, 3, 4
USER_SELECT, ROLE_SELECT, MENTIONABLE_SELECT, CHANNEL_SELECT = 5, 6, 7, 8
SECTION, TEXT_DISPLAY, THUMBNAIL, MEDIA_GALLERY, FILE, SEPARATOR = 9, 10, 11, 12, 13, 14
CONTAINER, LABEL_BOX, FILE_UPLOAD, RADIO_GROUP, CHECKBOX_GROUP, CHECKBOX = 17, 18, 19, 21, 22, 23
SELECTS = frozenset({STRING_SELECT, USER_SELECT, ROLE_SELECT, MENTIONABLE_SELECT, CHANNEL_SELECT})
LINK, PREMIUM = 5, 6

_SELECT_KEYS = {"custom_id", "placeholder", "min_values", "max_values", "disabled", "required"}
COMPONENT_KEYS: dict[int, set[str]] = {
    ROW: {"components"},
    BUTTON: {"style", "label", "emoji", "custom_id", "sku_id", "url", "disabled"},
    STRING_SELECT: _SELECT_KEYS | {"options"},
    TEXT_INPUT: {"custom_id", "style", "label", "min_length", "max_length", "required"}
    | {"value", "placeholder"},
    USER_SELECT: _SELECT_KEYS | {"default_values"},
    ROLE_SELECT: _SELECT_KEYS | {"default_values"},
    MENTIONABLE_SELECT: _SELECT_KEYS | {"default_values"},
    CHANNEL_SELECT: _SELECT_KEYS | {"default_values", "channel_types"},
    SECTION: {"components", "accessory"},
    TEXT_DISPLAY: {"content"},
    THUMBNAIL: {"media", "description", "spoiler"},
    MEDIA_GALLERY: {"items"},
    FILE: {"file", "spoiler", "name", "size"},
    SEPARATOR: {"divider", "spacing"},
    CONTAINER: {"components", "accent_color", "spoiler"},
    LABEL_BOX: {"label", "description", "component"},
    FILE_UPLOAD: {"custom_id", "min_values", "max_values", "required"},
    RADIO_GROUP: {"custom_id", "options", "required"},
    CHECKBOX_GROUP: {"custom_id", "options", "min_values", "max_values", "required"},
    CHECKBOX: {"custom_id", "default"},
}
TOP_LEVEL_V2 = frozenset({ROW, SECTION, TEXT_DISPLAY, MEDIA_GALLERY, FILE, SEPARATOR, CONTAINER})
IN_MODAL = frozenset({ROW, TEXT_DISPLAY, LABEL_BOX})
IN_LABEL = SELECTS | {TEXT_INPUT, FILE_UPLOAD, RADIO_GROUP, CHECKBOX_GROUP, CHECKBOX}


class UnknownKeys(ApiError):
    """The body carries keys that Discord does not know; the test is told about each."""

    def __init__(self, paths: list[str]) -> None:
        self.paths = paths
        problems = Problems()
        for path in paths:
            problems.add(path, "UNKNOWN_KEY", "The stand-in knows no such key.")
        super().__init__(50035, errors=problems._errors)


class Form:
    """One pass over a body: it gathers problems and unknown keys, and refuses at the end."""

    def __init__(self) -> None:
        self.problems = Problems()
        self.unknown: list[str] = []

    def refuse(self) -> None:
        """Raise if anything was wrong; unknown keys first."""
        if self.unknown:
            raise UnknownKeys(self.unknown)
        self.problems.refuse()

    # ── small checks ──────────────────────────────────────────────────────────────────────

    def keys(self, data: Mapping[str, Any], allowed: set[str], path: str = "") -> None:
        """Note the keys that are not allowed."""
        prefix = f"{path}." if path else ""
        self.unknown += [prefix + key for key in data if key not in allowed]

    def record(self, data: object, kind: str, path: str) -> dict[str, Any]:
        """Return an object with only known keys, or an empty one with a problem noted."""
        if not isinstance(data, dict):
            self.problems.add(path, "MODEL_TYPE_CONVERT", "Only dictionaries may be used.")
            return {}
        self.keys(data, KEYS[kind], path)
        return data

    def text(self, value: object, path: str, most: int, least: int = 0) -> int:
        """Check a text and return its length as Discord counts it, after trimming."""
        if not isinstance(value, str):
            self.problems.add(path, "STRING_TYPE_CONVERT", f'Could not interpret "{value}".')
            return 0
        length = len(value.strip())
        if length < least and not length:
            self.problems.require(path)
        elif length < least:
            self.problems.bad_length(path, least, most)
        elif length > most:
            self.problems.too_long(path, most)
        return length

    def url(self, value: object, path: str, schemes: tuple[str, ...] = ("http", "https")) -> None:
        """Check an address: its scheme, its form, its length."""
        if not isinstance(value, str):
            self.problems.add(path, "STRING_TYPE_CONVERT", f'Could not interpret "{value}".')
            return
        scheme = value.partition(":")[0].lower()
        if scheme not in schemes:
            expected = ", ".join(f"'{s}'" for s in schemes)
            message = f'Scheme "{scheme}" must be one of ({expected}).'
            self.problems.add(path, "URL_TYPE_INVALID_SCHEME", message)
        elif not re.fullmatch(
            r"(?i)attachment://\S+|https?://[^\s/?#.][^\s/?#]*([/?#]\S*)?", value
        ):
            self.problems.add(path, "URL_TYPE_INVALID_URL", "Not a well formed URL.")
        elif len(value) > URL:
            self.problems.too_long(path, URL)

    def media_url(self, value: object, path: str) -> None:
        """Check an address that may also name an uploaded file."""
        self.url(value, path, ("http", "https", "attachment"))

    def listing(self, value: object, path: str, most: int, least: int = 0) -> list[Any]:
        """Return a list within its bounds; null counts as empty."""
        if value is None:
            return []
        if not isinstance(value, list):
            self.problems.add(path, "LIST_TYPE_CONVERT", "Only iterables may be used.")
            return []
        if not least <= len(value) <= most:
            self.problems.bad_length(path, least, most)
        return value

    # ── embeds ────────────────────────────────────────────────────────────────────────────

    def embeds(self, value: object, path: str = "embeds") -> None:
        """Check the embeds, each alone and all together."""
        total = 0
        for index, embed in enumerate(self.listing(value, path, EMBEDS)):
            total += self._embed(self.record(embed, "embed", f"{path}.{index}"), f"{path}.{index}")
        if total > EMBED_TOTAL:
            message = f"Embed size exceeds maximum size of {EMBED_TOTAL}"
            self.problems.add(path, "MAX_EMBED_SIZE_EXCEEDED", message)

    def _embed(self, embed: dict[str, Any], path: str) -> int:
        size = 0
        for key, most in (("title", TITLE), ("description", DESCRIPTION)):
            if embed.get(key) is not None:
                size += self.text(embed[key], f"{path}.{key}", most)
        if embed.get("url") is not None:
            self.url(embed["url"], f"{path}.url")
        for key in ("image", "thumbnail", "video"):
            if embed.get(key) is not None:
                media = self.record(embed[key], "media", f"{path}.{key}")
                self.media_url(media.get("url", ""), f"{path}.{key}.url")
        for key, name, most in (("footer", "text", FOOTER), ("author", "name", AUTHOR)):
            if embed.get(key) is not None:
                part = self.record(embed[key], key, f"{path}.{key}")
                size += self.text(part.get(name, ""), f"{path}.{key}.{name}", most, 1)
                if part.get("icon_url"):
                    self.media_url(part["icon_url"], f"{path}.{key}.icon_url")
                if part.get("url"):
                    self.url(part["url"], f"{path}.{key}.url")
        for index, field in enumerate(self.listing(embed.get("fields"), f"{path}.fields", FIELDS)):
            at = f"{path}.fields.{index}"
            entry = self.record(field, "field", at)
            size += self.text(entry.get("name", ""), f"{at}.name", FIELD_NAME, 1)
            size += self.text(entry.get("value", ""), f"{at}.value", FIELD_VALUE, 1)
        color = embed.get("color")
        if color is not None and not (isinstance(color, int) and 0 <= color <= 0xFFFFFF):
            self.problems.add(f"{path}.color", "NUMBER_TYPE_MAX", "Must be at most 16777215.")
        if embed.get("timestamp") is not None and not _is_time(embed["timestamp"]):
            message = f"Could not parse {embed['timestamp']}. Should be ISO8601."
            self.problems.add(f"{path}.timestamp", "DATETIME_TYPE_PARSE", message)
        return size

    # ── components ────────────────────────────────────────────────────────────────────────

    def components(self, value: object, *, v2: bool, path: str = "components") -> None:
        """Check the components of a message."""
        top = self.listing(value, path, COMPONENTS if v2 else ROWS)
        allowed = TOP_LEVEL_V2 if v2 else frozenset({ROW})
        walk = _Walk(self)
        for index, component in enumerate(top):
            walk.visit(component, f"{path}.{index}", allowed)
        walk.finish(path)

    def modal(self, data: dict[str, Any], path: str = "data") -> None:
        """Check the modal of an interaction response."""
        self.keys(data, {"custom_id", "title", "components"}, path)
        self.text(data.get("custom_id", ""), f"{path}.custom_id", CUSTOM_ID, 1)
        self.text(data.get("title", ""), f"{path}.title", 45, 1)
        top = self.listing(data.get("components"), f"{path}.components", 5, 1)
        walk = _Walk(self)
        for index, component in enumerate(top):
            walk.visit(component, f"{path}.components.{index}", IN_MODAL)
        walk.finish(f"{path}.components")

    # ── whole bodies ──────────────────────────────────────────────────────────────────────

    def message(
        self, body: dict[str, Any], kind: str, path: str = "", *, was_v2: bool = False
    ) -> None:
        """Check everything about a message body that does not depend on where it goes.

        ``was_v2`` says that the body changes a message which has components V2 already.
        """
        prefix = f"{path}." if path else ""
        self.keys(body, KEYS[kind], path)
        if body.get("content") is not None:
            self.text(body["content"], f"{prefix}content", CONTENT)
        self.embeds(body.get("embeds"), f"{prefix}embeds")
        self._scalars(body, prefix)
        flags = body.get("flags")
        v2 = was_v2 or (isinstance(flags, int) and bool(flags & COMPONENTS_V2))
        self.components(body.get("components"), v2=v2, path=f"{prefix}components")
        if body.get("allowed_mentions") is not None:
            at = f"{prefix}allowed_mentions"
            self._allowed_mentions(
                self.record(body["allowed_mentions"], "allowed_mentions", at), at
            )
        for index, entry in enumerate(
            self.listing(body.get("attachments"), f"{prefix}attachments", FILES)
        ):
            self.record(entry, "attachment", f"{prefix}attachments.{index}")
        if body.get("message_reference") is not None:
            self.record(body["message_reference"], "reference", f"{prefix}message_reference")
        nonce = body.get("nonce")
        if isinstance(nonce, str | int) and len(str(nonce)) > NONCE:
            self.problems.too_long(f"{prefix}nonce", NONCE)
        if v2:
            self._exclusive(body, prefix)

    def _scalars(self, body: dict[str, Any], prefix: str) -> None:
        kinds = {"flags": int, "tts": bool, "enforce_nonce": bool, "nonce": str | int}
        for key, kind in kinds.items():
            value = body.get(key)
            if value is not None and not isinstance(value, kind):
                self.problems.add(f"{prefix}{key}", "TYPE_CONVERT", f'Could not read "{value}".')
        for key in ("poll", "sticker_ids", "shared_client_theme"):
            if body.get(key):  # better loud than wrong
                self.unknown.append(f"{prefix}{key} (not modelled)")

    def _exclusive(self, body: dict[str, Any], prefix: str) -> None:
        for key in ("content", "embeds", "poll", "sticker_ids"):
            if body.get(key):
                self.problems.add(
                    f"{prefix}{key}",
                    "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
                    "The field cannot be used with components V2.",
                )

    def _allowed_mentions(self, data: dict[str, Any], path: str) -> None:
        parse = self.listing(data.get("parse"), f"{path}.parse", 1000)
        for value in parse:
            if value not in ("users", "roles", "everyone"):
                message = f"Value must be one of ('roles', 'users', 'everyone'), not {value}."
                self.problems.add(f"{path}.parse", "BASE_TYPE_CHOICES", message)
        for key in ("users", "roles"):
            listed = self.listing(data.get(key), f"{path}.{key}", 100)
            if listed and key in parse:
                self.problems.add(
                    path,
                    "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                    f"parse:['{key}'] and {key}: [ids...] are mutually exclusive.",
                )


class _Walk:
    """A walk down a component tree which remembers what must be unique or counted."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.problems = form.problems
        self.count = 0
        self.text_length = 0
        self.custom_ids: set[str] = set()
        self.ids: set[int] = set()
        self._checks: dict[int, Callable[[dict[str, Any], str], None]] = {
            ROW: self._row,
            BUTTON: self._button,
            SECTION: self._section,
            TEXT_DISPLAY: self._text_display,
            THUMBNAIL: self._thumbnail,
            MEDIA_GALLERY: self._gallery,
            FILE: self._file,
            CONTAINER: self._container,
            LABEL_BOX: self._label_box,
        }

    def visit(self, component: object, path: str, allowed: Collection[int]) -> None:
        """Check one component and those inside it."""
        self.count += 1
        kind = component.get("type") if isinstance(component, dict) else None
        if not isinstance(component, dict) or not isinstance(kind, int) or kind not in allowed:
            kinds = ", ".join(map(str, sorted(allowed)))
            message = f'Value of field "type" must be one of ({kinds}).'
            self.problems.add(f"{path}.type", "UNION_TYPE_CHOICES", message)
            return
        self.form.keys(component, COMPONENT_KEYS[kind] | {"type", "id"}, path)
        if number := component.get("id"):
            if number in self.ids:
                self.problems.add(f"{path}.id", "COMPONENT_ID_DUPLICATED", "Id must be unique.")
            self.ids.add(number)
        if "custom_id" in COMPONENT_KEYS[kind] and kind != BUTTON:
            self._custom_id(component, path)
        if kind in SELECTS:
            self._select(component, path)
        elif kind in (RADIO_GROUP, CHECKBOX_GROUP):
            self._options(component, path)
        elif check := self._checks.get(kind):
            check(component, path)

    def finish(self, path: str) -> None:
        """Note what only the whole tree shows."""
        if self.count > COMPONENTS:
            message = f"Must have at most {COMPONENTS} components in total."
            self.problems.add(path, "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", message)
        if self.text_length > TEXT_TOTAL:
            message = f"The text of all components exceeds {TEXT_TOTAL} characters."
            self.problems.add(path, "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", message)

    def _children(
        self, component: dict[str, Any], path: str, allowed: Collection[int], most: int
    ) -> list[Any]:
        children = self.form.listing(component.get("components"), f"{path}.components", most, 1)
        for index, child in enumerate(children):
            self.visit(child, f"{path}.components.{index}", allowed)
        return children

    def _row(self, row: dict[str, Any], path: str) -> None:
        inside = self._children(row, path, SELECTS | {BUTTON, TEXT_INPUT}, BUTTONS)
        wide = [c for c in inside if isinstance(c, dict) and c.get("type") != BUTTON]
        if wide and len(inside) > 1:
            message = "The specified component exceeds the maximum width"
            self.problems.add(path, "COMPONENT_LAYOUT_WIDTH_EXCEEDED", message)

    def _button(self, button: dict[str, Any], path: str) -> None:
        style = button.get("style")
        if style not in range(1, 7):
            self.problems.add(f"{path}.style", "BASE_TYPE_CHOICES", "Must be one of 1 to 6.")
        elif style == LINK:
            self.form.url(button.get("url", ""), f"{path}.url", ("http", "https", "discord"))
            if button.get("custom_id"):
                message = "A custom id and url cannot both be specified"
                self.problems.add(f"{path}.custom_id", "COMPONENT_CUSTOM_ID_AND_URL", message)
        elif style != PREMIUM:
            self._custom_id(button, path)
            if button.get("url"):
                message = "A url is only for link buttons"
                self.problems.add(f"{path}.url", "COMPONENT_CUSTOM_ID_AND_URL", message)
        if button.get("label"):
            self.form.text(button["label"], f"{path}.label", LABEL)
        if button.get("emoji"):
            self.form.record(button["emoji"], "emoji", f"{path}.emoji")
        if style != PREMIUM and not (button.get("label") or button.get("emoji")):
            message = "A button must have a label or emoji"
            self.problems.add(path, "BUTTON_COMPONENT_INVALID", message)

    def _select(self, select: dict[str, Any], path: str) -> None:
        if select["type"] == STRING_SELECT:
            self._options(select, path)
        if select.get("placeholder"):
            self.form.text(select["placeholder"], f"{path}.placeholder", 150)
        least, most = select.get("min_values"), select.get("max_values")
        least, most = 1 if least is None else least, 1 if most is None else most
        if not (0 <= least <= OPTIONS and max(1, least) <= most <= OPTIONS):
            self.problems.add(f"{path}.max_values", "NUMBER_TYPE_MAX", "Bounds do not fit.")
        if select["type"] == STRING_SELECT and most > len(select.get("options") or ()):
            message = "Must not be more than the number of options."
            self.problems.add(f"{path}.max_values", "NUMBER_TYPE_MAX", message)

    def _options(self, component: dict[str, Any], path: str) -> None:
        values: set[str] = set()
        options = self.form.listing(component.get("options"), f"{path}.options", OPTIONS, 1)
        for index, entry in enumerate(options):
            at = f"{path}.options.{index}"
            option = self.form.record(entry, "option", at)
            self.form.text(option.get("label", ""), f"{at}.label", 100, 1)
            self.form.text(option.get("value", ""), f"{at}.value", 100, 1)
            if option.get("description"):
                self.form.text(option["description"], f"{at}.description", 100)
            if option.get("value") in values:
                message = "The specified option value is already used"
                self.problems.add(
                    f"{at}.value", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", message
                )
            values.add(option.get("value", ""))

    def _custom_id(self, component: dict[str, Any], path: str) -> None:
        custom_id = component.get("custom_id") or ""
        if not self.form.text(custom_id, f"{path}.custom_id", CUSTOM_ID, 1):
            return
        if custom_id in self.custom_ids:
            message = "Component custom id cannot be duplicated"
            self.problems.add(f"{path}.custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", message)
        self.custom_ids.add(custom_id)

    def _section(self, section: dict[str, Any], path: str) -> None:
        self._children(section, path, {TEXT_DISPLAY}, SECTION_TEXTS)
        self.visit(section.get("accessory"), f"{path}.accessory", {BUTTON, THUMBNAIL})

    def _text_display(self, display: dict[str, Any], path: str) -> None:
        self.text_length += self.form.text(
            display.get("content", ""), f"{path}.content", TEXT_TOTAL, 1
        )

    def _thumbnail(self, thumbnail: dict[str, Any], path: str) -> None:
        self._media(thumbnail.get("media"), f"{path}.media")

    def _gallery(self, gallery: dict[str, Any], path: str) -> None:
        items = self.form.listing(gallery.get("items"), f"{path}.items", GALLERY, 1)
        for index, item in enumerate(items):
            self._media(item.get("media"), f"{path}.items.{index}.media")

    def _file(self, file: dict[str, Any], path: str) -> None:
        self._media(file.get("file"), f"{path}.file", ("attachment",))

    def _media(
        self, media: object, path: str, schemes: tuple[str, ...] = ("http", "https", "attachment")
    ) -> None:
        url = media.get("url", "") if isinstance(media, dict) else ""
        self.form.url(url, f"{path}.url", schemes)

    def _container(self, container: dict[str, Any], path: str) -> None:
        self._children(container, path, TOP_LEVEL_V2 - {CONTAINER}, COMPONENTS)

    def _label_box(self, label: dict[str, Any], path: str) -> None:
        self.form.text(label.get("label", ""), f"{path}.label", 45, 1)
        self.visit(label.get("component"), f"{path}.component", IN_LABEL)


def has_substance(
    body: Mapping[str, Any], files: Mapping[str, bytes], message: Message | None = None
) -> bool:
    """Tell whether a message would show anything once the body is applied to it."""

    def after(key: str) -> Any:
        if key in body or message is None:
            return body.get(key)
        return getattr(message, key)

    forwards = (body.get("message_reference") or {}).get("type") == 1
    return bool(
        (after("content") or "").strip()
        or any(_shows(embed) for embed in after("embeds") or ())
        or after("components")
        or after("attachments")
        or files
        or forwards
    )


def _shows(embed: Mapping[str, Any]) -> bool:
    drawn = ("title", "description", "fields", "image", "thumbnail", "author", "footer")
    return any(embed.get(key) for key in drawn)


def _is_time(value: object) -> bool:
    try:
        datetime.fromisoformat(str(value))
    except ValueError:
        return False
    return True
