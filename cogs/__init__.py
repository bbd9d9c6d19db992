"""What members touch: thin slash commands and buttons. A command parses, calls one thing, renders.

Cogs get what they use by constructor. They hold no state, no SQL, no HTTP.
"""
