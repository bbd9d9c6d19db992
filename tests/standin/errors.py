"""Answers of Discord that say no."""

from __future__ import annotations

from typing import Any

# code -> (HTTP status, message)
_KNOWN = {
    0: (404, "404: Not Found"),
    10002: (404, "Unknown Application"),
    10003: (404, "Unknown Channel"),
    10004: (404, "Unknown Guild"),
    10007: (404, "Unknown Member"),
    10008: (404, "Unknown Message"),
    10011: (404, "Unknown Role"),
    10013: (404, "Unknown User"),
    10015: (404, "Unknown Webhook"),
    10062: (404, "Unknown interaction"),
    10063: (404, "Unknown application command"),
    30032: (400, "Maximum number of application commands reached (100)"),
    30007: (400, "Maximum number of webhooks reached (15)"),
    30034: (400, "Max number of daily application command creates has been reached (200)"),
    40001: (401, "Unauthorized"),
    40005: (413, "Request entity too large"),
    40033: (400, "This message has already been crossposted"),
    40058: (403, "Cannot send a message in a forum channel"),
    40060: (400, "Interaction has already been acknowledged."),
    40067: (400, "A tag is required to create a forum post in this channel"),
    40094: (
        400,
        "The maximum number of follow-up messages has been reached for this interaction",
    ),
    50003: (403, "Cannot execute action on a DM channel"),
    50001: (403, "Missing Access"),
    50005: (403, "Cannot edit a message authored by another user"),
    50006: (400, "Cannot send an empty message"),
    50007: (403, "Cannot send messages to this user"),
    50008: (400, "Cannot send messages in a non-text channel"),
    50013: (403, "Missing Permissions"),
    50024: (400, "Cannot execute action on this channel type"),
    50027: (401, "Invalid Webhook Token"),
    50035: (400, "Invalid Form Body"),
    50068: (400, "Invalid message type"),
    50083: (400, "Thread is archived"),
    50109: (400, "The request body contains invalid JSON."),
    160002: (400, "Cannot reply without permission to read message history"),
    160004: (400, "A thread has already been created for this message"),
    160005: (403, "Thread is locked"),
    220001: (400, "Webhooks posted to forum channels must have a thread_name or thread_id"),
}


class ApiError(Exception):
    """A refusal that travels up to the route table, which writes it to the wire."""

    def __init__(
        self,
        code: int,
        *,
        status: int | None = None,
        message: str | None = None,
        errors: dict[str, Any] | None = None,
    ) -> None:
        known_status, known_message = _KNOWN.get(code, (400, "Bad Request"))
        self.code = code
        self.status = known_status if status is None else status
        self.message = message or known_message
        self.errors = errors
        super().__init__(f"{self.status} {self.code}: {self.message} {errors or ''}")

    def body(self) -> dict[str, Any]:
        """Return the JSON body of the refusal."""
        body: dict[str, Any] = {"message": self.message, "code": self.code}
        if self.errors:
            body["errors"] = self.errors
        return body


class Problems:
    """Collects everything that is wrong with a form body, then refuses it as a whole."""

    def __init__(self) -> None:
        self._errors: dict[str, Any] = {}

    def __bool__(self) -> bool:
        return bool(self._errors)

    def add(self, path: str, code: str, message: str) -> None:
        """Note a problem at a dotted path such as ``embeds.0.title``."""
        node = self._errors
        for key in path.split("."):
            node = node.setdefault(key, {})
        node.setdefault("_errors", []).append({"code": code, "message": message})

    def require(self, path: str) -> None:
        """Note that a field is missing."""
        self.add(path, "BASE_TYPE_REQUIRED", "This field is required")

    def too_long(self, path: str, most: int) -> None:
        """Note that a text or list is too long."""
        self.add(path, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")

    def bad_length(self, path: str, least: int, most: int) -> None:
        """Note that a text or list is outside its bounds."""
        self.add(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length.")

    def refuse(self) -> None:
        """Raise 50035 if anything was noted."""
        if self._errors:
            raise ApiError(50035, errors=_pruned(self._errors))


def _pruned(node: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is wrong inside of something that is wrong as a whole."""
    if "_errors" in node:
        return {"_errors": node["_errors"]}
    return {key: _pruned(child) for key, child in node.items()}
