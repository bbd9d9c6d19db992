"""The words of Crumbs: what flows along the line from a post to an announcement.

Everything here is frozen data. Datetimes are aware and in UTC; a naive one is refused where it
enters. Ids are strings that stay the same when names change.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

# ── people ────────────────────────────────────────────────────────────────────────────────────


class AliasKind(StrEnum):
    """What a name is: the linker weighs a full name more than a nickname."""

    STAGE = "stage"
    FULL = "full"  #: birth name with surname: "Kim Mingyu", "김민규"
    NICK = "nick"
    INNER = "inner"  #: used only among the own group and its fans: "Jisoo" for Joshua
    FANDOM = "fandom"  #: of a group: "BLINK"
    HANDLE = "handle"  #: an account's name, with its "@"


class GroupKind(StrEnum):
    """A unit counts as its parent; a project group never makes two people "same group"."""

    GROUP = "group"
    UNIT = "unit"
    PROJECT = "project"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """One way to write a name."""

    text: str
    #: ISO 639-1 code of the language it is written in; "" where it does not matter.
    lang: str = ""
    kind: AliasKind = AliasKind.STAGE
    #: Also an ordinary word ("Winter", "지수"): links only with evidence beside it.
    ordinary_word: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group, one of its units, or a project group."""

    id: str
    #: Official English name: "SEVENTEEN".
    name: str
    aliases: tuple[Alias, ...] = ()
    #: The fandom's English name ("CARAT"); "" when it has none.
    fandom: str = ""
    kind: GroupKind = GroupKind.GROUP
    #: The group that a unit belongs to.
    parent: str | None = None
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """Being in a group for a time; None means "not known" for `since` and "still" for `until`."""

    group_id: str
    since: date | None = None
    until: date | None = None

    def holds(self, at: date) -> bool:
        """Whether it held on the date `at`."""
        return (self.since is None or self.since <= at) and (self.until is None or at <= self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Idol:
    """A person whom Crumbs may announce."""

    id: str
    #: The usual stage name in Latin letters: "Mingyu".
    name: str
    aliases: tuple[Alias, ...] = ()
    memberships: tuple[Membership, ...] = ()
    #: None when unknown or when nothing corroborates it.
    born: date | None = None
    #: How likely a bare mention of the name means this person, 0 to 1, set by hand.
    prior: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoy:
    """Someone or something else of that name: absorbs a mention and is never announced."""

    id: str
    #: For a reader: "Ji Soo (actor)", "stock index".
    name: str
    aliases: tuple[Alias, ...] = ()
    #: Words which, in the same sentence, say that this is meant: "actor", "코스피".
    contexts: tuple[str, ...] = ()
    prior: float = 0.3


@dataclass(frozen=True, slots=True, order=True)
class Pair:
    """Two idols, in the order of their ids. Make one with `Pair.of`."""

    a: str
    b: str

    def __post_init__(self) -> None:
        if not self.a < self.b:
            raise ValueError(f"a pair is two different ids in order, not {self.a!r}, {self.b!r}")

    @classmethod
    def of(cls, one: str, other: str) -> Pair:
        """The pair of two different idols, whichever is named first.

        Raises:
            ValueError: when both ids are the same.
        """
        return cls(*sorted((one, other)))

    def __contains__(self, idol_id: object) -> bool:
        return idol_id in (self.a, self.b)


# ── input ─────────────────────────────────────────────────────────────────────────────────────


def require_utc(value: datetime | None, what: str) -> None:
    """Refuse a datetime that is naive or in another zone than UTC.

    Raises:
        ValueError: names the field and the value.
    """
    if value is not None and value.utcoffset() != UTC.utcoffset(None):
        raise ValueError(f"{what} must be aware and in UTC, not {value!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Somewhere posts come from, as the operator wrote it down."""

    id: str
    #: Which client reads it: "feed".
    kind: str
    url: str
    #: For a reader: "Soompi". Defaults to the id.
    name: str
    lang: str = ""
    #: Seconds between polls.
    every: int = 600
    enabled: bool = True
    #: The idol, group or agency speaks here itself; its reports wait for no siblings.
    official: bool = False
    #: Writes about idols, so that a name is likelier one of theirs.
    about_idols: bool = False
    #: IANA zone of dates that carry none.
    tz: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One entry of a feed or one social post, decoded and plain."""

    #: "<source id>:<the source's own id>".
    id: str
    source_id: str
    #: The source's name for a reader.
    outlet: str = ""
    title: str = ""
    text: str = ""
    url: str = ""
    lang: str = ""
    author: str = ""
    #: As the publisher says, never later than it was seen; None when it does not.
    published: datetime | None = None
    seen_at: datetime
    #: An https picture for the announcement.
    image: str = ""
    official: bool = False
    #: From a source that writes about idols.
    about_idols: bool = False
    #: Older than its source's first poll: recorded for look-ups, never announced.
    archive: bool = False

    def __post_init__(self) -> None:
        require_utc(self.published, "Post.published")
        require_utc(self.seen_at, "Post.seen_at")

    @property
    def digest(self) -> str:
        """Changes when the publisher changes what the post says."""
        said = f"{self.title}\0{self.text}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(said, digest_size=12).hexdigest()

    @property
    def at(self) -> datetime:
        """When it was published, else when it was seen."""
        return self.published or self.seen_at


# ── judgement ─────────────────────────────────────────────────────────────────────────────────


class Field(StrEnum):
    """Where in a post something stands."""

    TITLE = "title"
    TEXT = "text"


class Kind(StrEnum):
    """What two idols did."""

    GREETING = "greeting"
    CONVERSATION = "conversation"
    PHYSICAL = "physical"
    PHOTO = "photo"
    COLLABORATION = "collaboration"
    CHALLENGE = "challenge"
    SOCIAL_MEDIA = "social_media"
    HOSTING = "hosting"
    GIFT = "gift"
    SHOUT_OUT = "shout_out"
    FRIENDSHIP = "friendship"
    REACTION = "reaction"
    CO_APPEARANCE = "co_appearance"
    DATING_RUMOUR = "dating_rumour"
    OTHER = "other"


class Tier(StrEnum):
    """Who is told: everyone who watches, the "possible moments" digest, or only by opt-in."""

    ANNOUNCE = "announce"
    DIGEST = "digest"
    SENSITIVE = "sensitive"


class Reason(StrEnum):
    """Why something is not an interaction to announce."""

    CO_MENTION = "co_mention"
    SAME_GROUP = "same_group"
    LISTING = "listing"
    IRREALIS = "irrealis"  #: hope, denial, hypothesis
    GROUP_CONTACT = "group_contact"
    LOOK_ALIKE = "look_alike"
    COVER = "cover"
    REPLACEMENT = "replacement"
    AMBIGUOUS_NAME = "ambiguous_name"
    SENSITIVE = "sensitive"
    LOW_CONFIDENCE = "low_confidence"
    STALE = "stale"  #: set only by `Storage.record`
    BUG = "bug"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A name in a post, linked to an idol. `start` and `end` slice the raw field."""

    idol_id: str
    field: Field
    start: int
    end: int
    surface: str
    #: 0 to 1.
    confidence: float
    #: What spoke for it, and how much: {"bound to BLACKPINK": 4.0}.
    evidence: Mapping[str, float] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """A post reports that the two of a pair had to do with each other."""

    pair: Pair
    kind: Kind
    tier: Tier
    #: Looks back at something long over.
    past: bool = False
    #: 0 to 1.
    confidence: float
    #: The words that say so, quoted from the post, short.
    evidence: str
    field: Field = Field.TEXT
    #: When it happened, where the post says so.
    happened_at: datetime | None = None
    #: What counted most for and against it: feature and log-odds.
    because: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        require_utc(self.happened_at, "Interaction.happened_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """Why a pair, or a post that promised one, is not announced."""

    pair: Pair | None = None
    reason: Reason
    #: A sentence for a person.
    detail: str = ""
    #: What counted most for and against it, where something was weighed: feature and log-odds.
    because: tuple[tuple[str, float], ...] = ()


Verdict = Interaction | Rejection


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """All that the core says of one post."""

    mentions: tuple[Mention, ...] = ()
    verdicts: tuple[Verdict, ...] = ()

    @property
    def interactions(self) -> tuple[Interaction, ...]:
        """The verdicts that report an interaction."""
        return tuple(v for v in self.verdicts if isinstance(v, Interaction))

    @property
    def rejections(self) -> tuple[Rejection, ...]:
        """The verdicts that do not."""
        return tuple(v for v in self.verdicts if isinstance(v, Rejection))

    @property
    def pairs(self) -> frozenset[Pair]:
        """Every pair that was decided, either way."""
        return frozenset(v.pair for v in self.verdicts if v.pair is not None)


# ── stories ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the clusterer and the announcement need to know of a post in a story."""

    post_id: str
    outlet: str
    title: str
    url: str
    #: `document.url_key` of the address; "" when there is none.
    url_key: str
    #: `document.fingerprint` of the text.
    fingerprint: str
    #: What it says of its occasion, see `occasion.py`: "brand:dior", "date:2024-02-27".
    anchors: tuple[str, ...]
    lang: str
    at: datetime
    image: str = ""
    official: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryPair:
    """One pair of a story, as its best report tells it."""

    pair: Pair
    kind: Kind
    tier: Tier
    confidence: float
    evidence: str
    happened_at: datetime | None = None


class StoryState(StrEnum):
    """Live stories are announced; archived ones are kept for look-ups only."""

    LIVE = "live"
    ARCHIVE = "archive"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One occasion, with every pair that met there and every report of it."""

    id: str
    state: StoryState
    pairs: tuple[StoryPair, ...]
    reports: tuple[Report, ...]
    #: When the occasion was first and last reported (the reports' own times).
    first_seen: datetime
    last_seen: datetime
    #: Grows by one with every change that a reader could see.
    revision: int

    @property
    def lead(self) -> Report:
        """The report to name first: an official one, else the earliest."""
        return min(self.reports, key=lambda r: (not r.official, r.at, r.post_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where the clusterer puts pairs of a post: an existing story, or (None) a new one."""

    story_id: str | None
    pairs: tuple[Pair, ...]
    #: Looks back: joins or opens archive, announces nothing.
    archive: bool = False


# ── watching ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A channel that wants to hear of a target; `pair` None means every pair."""

    guild_id: int
    channel_id: int
    pair: Pair | None
    #: Who asked.
    user_id: int
    created_at: datetime

    def __post_init__(self) -> None:
        require_utc(self.created_at, "Watch.created_at")


# ── delivery ──────────────────────────────────────────────────────────────────────────────────


class Step(StrEnum):
    """What a channel is owed of a story; unique on (story, channel, step)."""

    DIGEST = "digest"
    FIRST = "first"
    UPGRADE = "upgrade"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One story as it stood when the message was composed, with the pairs this channel watches."""

    step: Step
    story: Story
    #: Pairs that this message once told of, before their sources took that back.
    taken_back: tuple[StoryPair, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a message stands on Discord."""

    #: The channel or thread that it is in; a forum post is a thread of its own.
    channel_id: int
    message_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is sent to one channel, frozen when it is first claimed.

    The id is Discord's nonce (at most 25 characters) and stands in the message itself, so that a
    late retry can look whether it is there already.
    """

    id: str
    guild_id: int
    channel_id: int
    items: tuple[Item, ...]
    #: When it was first handed to the sender; the nonce is trusted for a minute after this.
    first_attempt_at: datetime
    #: 1 for the first attempt.
    attempt: int
    #: Fencing token of this lease: a later claim makes it worthless.
    token: int
    #: The earlier message that this one is an upgrade of.
    reply_to: Place | None = None
    #: Somebody asked for this attempt and accepts that the message may be there already.
    by_hand: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What a message on Discord should now say, lent like a message."""

    #: With its items as they are now.
    message: Message
    place: Place
    #: What `Storage.settle_edit` then knows to be shown.
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that was given up."""

    message: Message
    reason: str
    #: When it was first owed.
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Discord has the message."""

    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Nothing is decided yet: try again, not before `after` seconds have passed."""

    after: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """This message cannot be delivered as things stand."""

    reason: str
    #: The channel is closed to us (kept and probed), rather than this one message refused (dead).
    channel: bool = True


Outcome = Sent | Retry | Gone


# ── polling ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLease:
    """A source that is due, lent to one poller until the lease ends."""

    source: Source
    #: When the operator added it; older entries of the first poll are archive.
    added_at: datetime
    #: No poll of it has succeeded yet.
    first: bool
    #: What the client left at its last success (validators, position); its own words.
    cursor: Mapping[str, str]
    #: Consecutive failures so far.
    failures: int
    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one poll brought."""

    posts: tuple[Post, ...]
    cursor: Mapping[str, str]
    #: Seconds that the source asks us to leave between polls; None when it does not say.
    min_interval: float | None = None
    #: Ids of posts that the source has taken back.
    deleted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PollResult:
    """What is remembered of a poll: `error` None means that it succeeded."""

    next_at: datetime
    cursor: Mapping[str, str] | None = None
    posts: int = 0
    error: str | None = None
    #: The publisher says that polling should stop.
    disable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHealth:
    """A source as `/status` shows it."""

    source: Source
    last_ok: datetime | None
    last_error: str | None
    failures: int
    next_at: datetime
    disabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounting:
    """The two identities of the books; see `balanced`.

    The totals are counted as rows are written and the parts as they stand, so that a row that was
    lost is missed.
    """

    #: Recorded verdicts by state; rejected ones as "rejected:<reason>".
    verdicts: Mapping[str, int]
    #: Verdicts ever recorded.
    recorded: int
    #: What channels were ever owed: one for each story, channel and step.
    planned: int
    sent: int
    withdrawn: int
    pending: int
    dead: int
    #: Of those, how many are in another state than the message that carries them.
    adrift: int = 0

    @property
    def balanced(self) -> bool:
        """Every verdict is in exactly one state, and all that is owed is accounted for."""
        return (
            self.recorded == sum(self.verdicts.values())
            and self.planned == self.sent + self.withdrawn + self.pending + self.dead
            and not self.adrift
        )
