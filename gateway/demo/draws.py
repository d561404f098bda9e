"""Seeded chance: everything in the demo that looks random is drawn here, so the same seed tells the same story."""

import random

import orjson

MILLISECOND = 1_000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Draws(random.Random):
    """A stream of draws that depends on its name alone."""

    def __init__(self, name: str) -> None:
        super().__init__(name)

    def event_id(self, moment: int) -> str:
        """Make the UUIDv7 of an event that happened at `moment` (microseconds): ids sort by time, that fine."""
        milliseconds, rest = divmod(moment, MILLISECOND)
        head = f"{milliseconds:012x}"
        bits = self.getrandbits(64)
        tail = f"7{rest << 2 | bits & 3:03x}-{0x8000 | bits >> 50:04x}-{bits >> 2 & 0xFFFF_FFFF_FFFF:012x}"
        return f"{head[:8]}-{head[8:]}-{tail}"

    def uuid(self) -> str:
        """Make a random UUID (version 4)."""
        digits = f"{self.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"

    def digits(self, count: int) -> str:
        """Make so many hexadecimal digits."""
        return f"{self.getrandbits(4 * count):0{count}x}"

    def chance(self, share: float) -> bool:
        """Be true in this share of the draws."""
        return self.random() < share

    def milliseconds(self, typical: float) -> float:
        """Make a duration around a typical one: milliseconds to three decimals, with the long tail of real ones."""
        return round(typical * self.lognormvariate(0.0, 0.5), 3)


def as_json(value: object) -> str:
    """Give the JSON text of a value, as a sender would write it."""
    return orjson.dumps(value).decode()
