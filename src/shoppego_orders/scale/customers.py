"""Where in a batch each customer begins: rows come customer by customer, and each in time."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import attrs

from shoppego_orders.errors import InvalidValue
from shoppego_orders.scale.extra import Array, pa, pc
from shoppego_orders.scale.values import Arrays


class Customers(NamedTuple):
    """The customers of some rows. Each row of nobody known stands for itself.

    :ivar numbers: each row's customer, by a number that counts them from 0.
    :ivar first_goes_on: the first is the one with whom the batch before ended.
    :ivar last_from: where the last one begins.
    :ivar open_from: the same, if that is somebody known, who may go on; else where the rows end.
    :ivar passed: when the last row was placed.
    """

    numbers: Array
    first_goes_on: bool
    last_from: int
    open_from: int
    passed: datetime


class _Place(NamedTuple):
    shop: str
    key: str | None
    placed_at: datetime

    @classmethod
    def of(cls, arrays: Arrays, place: int) -> _Place:
        names = ("shop", "customer_key", "placed_at")
        return cls(*(arrays[name][place].as_py() for name in names))


@attrs.define
class Grouping:
    """Takes batch after batch, and remembers where the last one ended."""

    _last: _Place | None = None

    def of(self, arrays: Arrays) -> Customers:
        """Find the customers of some rows; there is one at least.

        :raises InvalidValue: for rows that are not sorted by time within a customer, and for a
            customer who comes a second time, as far as these rows can tell.
        """
        shops, keys, placed = arrays["shop"], arrays["customer_key"], arrays["placed_at"]
        before, first = self._last, _Place.of(arrays, 0)
        goes_on = before is not None and first.key is not None and before[:2] == first[:2]
        # Nulls are equal to nothing: nobody known is nobody's customer.
        same = pc.fill_null(
            pc.and_(pc.equal(shops[1:], shops[:-1]), pc.equal(keys[1:], keys[:-1])), False
        )
        back = pc.index(pc.and_(same, pc.less(placed[1:], placed[:-1])), True).as_py()
        if goes_on and before is not None and first.placed_at < before.placed_at:
            back = -2  # the first row
        if back != -1:
            culprit = arrays["id"][max(back + 1, 0)].as_py()
            raise InvalidValue("frame", culprit, "a customer's rows sorted by placed_at")
        starts = pa.concat_arrays([pa.array([True]), pc.invert(same)])
        _check_once(shops, keys, starts)
        self._last = last = _Place.of(arrays, len(shops) - 1)
        numbers = pc.subtract(pc.cumulative_sum(starts.cast(pa.int32())), 1)
        last_from = pc.index(numbers, numbers[-1]).as_py()
        open_from = len(shops) if last.key is None else last_from
        return Customers(numbers, goes_on, last_from, open_from, last.placed_at)


def _check_once(shops: Array, keys: Array, starts: Array) -> None:
    customers = pc.binary_join_element_wise(shops, keys, "\0").filter(starts).drop_null()
    if pc.count_distinct(customers).as_py() != len(customers):
        counts = customers.value_counts()
        twice = counts.filter(pc.greater(counts.field("counts"), 1))[0]["values"].as_py()
        raise InvalidValue("frame", twice.split("\0", 1), "rows grouped by shop and customer")
