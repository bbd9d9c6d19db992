"""The pure core: frozen data to frozen data, no I/O, no clock, no Discord.

Read in this order: `types` (the words), `errors`, `ports` (what the flow asks of the edges),
then `text`, `roster`, `link`, `judge`, `cluster` in the order in which a post meets them.
"""
