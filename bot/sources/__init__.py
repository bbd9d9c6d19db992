"""Where posts come from: one client for each kind of source, over one careful fetcher.

`feed` is the client for RSS, Atom and JSON Feed; `http` is the fetcher that every client shares.
Nothing here knows of Discord or of the store: a client is given a source and where it left off,
and gives back posts or raises one of the kinds of `bot.domain.errors.SourceError`.
"""
