"""Pages of a sorted search. A token tells the place of the last thing, so that what comes and goes shifts no page."""

import base64
import heapq
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Final, Generic, TypeVar

import msgspec

from loopwright.errors import InvalidInputError
from loopwright.tracking.search.orders import Order, Ranked
from loopwright.tracking.search.things import Thing

Found = TypeVar("Found", bound=Thing)

_DECODER: Final = msgspec.msgpack.Decoder(list[str | float | None])


class Page(msgspec.Struct, Generic[Found], frozen=True):
    """Things that were found, and the token of the next page; empty: there is none."""

    found: Sequence[Found]
    token: str = ""


def paged(things: Iterable[Found], order: Order, *, size: int, token: str = "") -> Page[Found]:
    """Return the first things by the order, or the first behind the page that the token came with.

    Raises:
        InvalidInputError: the token is none of this order.
    """
    last = place_of(token, order) if token else None
    places = ((order.place(thing), thing) for thing in things)
    try:
        behind = places if last is None else (one for one in places if one[0] > last)
        first = heapq.nsmallest(size + 1, behind, key=itemgetter(0))
    except TypeError as error:
        raise foreign(token) from error
    found = [thing for _, thing in first[:size]]
    return Page(found, token_of(first[size - 1][0], order) if len(first) > size else "")


def token_of(place: Ranked, order: Order) -> str:
    """Return the token of the page behind this place."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(order.told(place))).decode()


def place_of(token: str, order: Order) -> Ranked:
    """Return the place that a token tells, or raise `InvalidInputError` if it tells none of this order."""
    try:
        told = _DECODER.decode(base64.b64decode(token, altchars=b"-_", validate=True))
    except (ValueError, msgspec.MsgspecError) as error:
        raise foreign(token) from error
    place = order.place_of(told)
    if place is None:
        raise foreign(token)
    return place


def foreign(token: str) -> InvalidInputError:
    """Return the error that a token is none of the search that it came with."""
    return InvalidInputError(
        f"page token {token[:80]!r} is none of this search: use the one that came with its page before, or none"
    )
