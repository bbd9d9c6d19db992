"""A truthful stand-in for Discord over real HTTP and WebSocket on loopback, for tests."""

from . import faults
from .clock import Clock
from .limits import Limits, Rate
from .people import Answer, Person
from .server import StandIn

__all__ = ["Answer", "Clock", "Limits", "Person", "Rate", "StandIn", "faults"]
