"""What a Job may cost at most, from a dated table of prices."""

import re
from functools import cache
from pathlib import Path

from phoque.errors import PhoqueError
from phoque.progress import span
from phoque.run.record import Part
from phoque.run.settings import read_settings

TABLE = Path(__file__).parent / "flavors.yaml"
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


class Prices(Part):
    source: str
    read: str
    """When."""
    dollars_an_hour: dict[str, float]


def flavors() -> list[str]:
    """Machines that have a known price."""
    return list(_prices().dollars_an_hour)


def require_price(flavor: str) -> float:
    """Dollars an hour; PhoqueError where the table has no price."""
    if flavor not in flavors():
        raise PhoqueError(
            f"No price is known for the flavor {flavor!r}, so nothing is started on it. "
            f"Known: {', '.join(flavors())}."
        )
    return _prices().dollars_an_hour[flavor]


def at_most(flavor: str, seconds: int, attempts: int) -> str:
    """The cost when every attempt runs into its time limit, and how far to trust it."""
    price, table = require_price(flavor), _prices()
    return (
        f"at most ${price * seconds / 3600 * attempts:.2f}: {attempts} x {span(seconds)} x "
        f"${price:.2f} an hour ({table.source}, read {table.read}; prices change), if the limit "
        "holds for each attempt, which is not documented. What a run really takes there was never "
        "measured."
    )


@cache
def _prices() -> Prices:
    return read_settings(TABLE, Prices)


def seconds_of(limit: str) -> int:
    """A time limit in seconds: 90m, 4h, 1.5d, or a number of seconds, of a minute at least."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", limit.strip())
    seconds = int(float(found[1]) * UNITS[found[2]]) if found else 0
    if seconds < 60:
        raise PhoqueError(f"The time limit is {limit!r}. Give a minute or more: 90m, 4h, 1d.")
    return seconds
