"""Stories in memory: where a clusterer puts reports, and how stories grow from it.

The rules of growth are those of every store (`storage.base.file_post`); only the keeping differs.
For evaluation and for the command line, which answer and forget.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from bot.domain.ports import Clusterer
from bot.domain.types import Interaction, Pair, Post, Story
from storage.base import Filed, file_post


class Archive:
    """Stories that grow post by post, in the order in which posts are taken."""

    def __init__(self, cluster: Clusterer) -> None:
        self._cluster = cluster
        self._stories: dict[str, Story] = {}
        #: The ids of the stories of each pair, oldest story first; a dict keeps each once.
        self._of_pair: dict[Pair, dict[str, None]] = defaultdict(dict)

    @property
    def stories(self) -> list[Story]:
        """Every story, in the order in which they were opened."""
        return list(self._stories.values())

    def take(self, post: Post, interactions: Sequence[Interaction]) -> dict[Pair, str]:
        """Place the pairs of a post; the id of each pair's story.

        Ids count up ("story-1"), so that the same posts in the same order give the same ids. A
        post counts as read when it was published: none is late.
        """
        ids = dict.fromkeys(i for x in interactions for i in self._of_pair[x.pair])
        candidates = [self._stories[i] for i in ids]
        placements = self._cluster(post, interactions, candidates) if interactions else ()
        report = self._cluster.report(post)
        placed: dict[Pair, str] = {}
        recording = file_post(post, report, interactions, placements, candidates, post.at)
        for entry in recording.entries:
            story = entry.story
            if story.id not in self._stories:
                story = replace(story, id=f"story-{len(self._stories) + 1}")
            self._stories[story.id] = story
            for told in story.pairs:
                self._of_pair[told.pair][story.id] = None
            placed |= dict.fromkeys(_pairs_of(entry.story.id, recording.verdicts), story.id)
        return placed


def _pairs_of(story_id: str, filed: Sequence[Filed]) -> list[Pair]:
    return [f.verdict.pair for f in filed if f.story_id == story_id and f.verdict.pair is not None]
