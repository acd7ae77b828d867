"""after-sale-request: versions, repeats, holds (domain [13, 26, 27, 41-43]; contract, 1)."""

from __future__ import annotations

from datetime import timedelta
from hashlib import blake2b
from typing import Final

from app.core import alerts
from app.core.facts import Standing
from app.core.order_view import CLOCK_TOLERANCE
from app.processor.batch import Batch
from app.processor.deciding import decide
from schemas.cells import HoldCell, RequestCell, VersionCell
from schemas.errors import Fault, InvalidRecord, InvariantBroken
from schemas.events import AfterSaleRequest
from schemas.vocabulary import Outcome, RequestStatus

__all__ = ["end_due_hold", "retry_holds", "take_request"]

DIGEST_BYTES: Final = 12
VERSIONS_MAX: Final = 1_000
"""Versions of one request that are remembered; one more is an invalid record. A cell must stay small."""
HELD_MAX: Final = 1_000
"""Requests that wait for one order; one more is decided at once."""
REJECTED_ITEMS_MAX: Final = 1_000
"""Items of one order that a seller rejected; with more, all of its items count as rejected (money first)."""
MICROSECOND: Final = timedelta(microseconds=1)


def take_request(batch: Batch, request: AfterSaleRequest) -> None:
    """Remember the version; decide or hold it if it is pending.

    Raises InvalidRecord, before anything is written, where the buyer applied in the future (domain [44]).
    """
    if request.applied_at > batch.at + CLOCK_TOLERANCE:
        raise InvalidRecord("applied_at: more than 5 minutes after the decision clock", Fault.FUTURE)
    batch.count("requests")
    cell = batch.tables.requests.of(request.shop_id, request.request_id)
    digest = _digest(request)
    known = None if cell is None else cell.versions.get(request.request_version)
    if known is not None:
        _repeat(batch, request, known, digest)
        return
    if cell is not None and len(cell.versions) >= VERSIONS_MAX:
        raise InvalidRecord(f"request_version: more than {VERSIONS_MAX} versions of one request")
    newest = cell is None or request.request_version > cell.newest
    if cell is not None and newest:
        _end_older_hold(batch, request)
    _remember(batch, request, VersionCell(digest=digest, order_id=request.order_id))
    if request.status is RequestStatus.SELLER_REJECTED:
        _remember_rejection(batch, request)
    if request.status is not RequestStatus.PENDING_SELLER:
        return
    standing = Standing.NEWEST if newest else Standing.SUPERSEDED
    may_hold = batch.rules.hold > timedelta(0)
    outcome = decide(batch, request, standing, may_hold=may_hold)
    if outcome is None and len(batch.tables.orders.of(request.shop_id, request.order_id).held_request_ids) >= HELD_MAX:
        outcome = decide(batch, request, standing, may_hold=False)
    if outcome is None:
        _hold(batch, request)
    else:
        _set_outcome(batch, request, outcome)


def retry_holds(batch: Batch, shop_id: str, order_id: str) -> None:
    """New logistics came: decide the requests that waited for it, in order of arrival (domain [43])."""
    for request_id in batch.tables.orders.of(shop_id, order_id).held_request_ids:
        held = batch.tables.holds.of(shop_id, request_id)
        if held is None:
            raise InvariantBroken(f"order {order_id} names a hold that is not there: {request_id}")
        _decide_held(batch, held, Standing.NEWEST, may_hold=True)


def end_due_hold(batch: Batch, held: HoldCell) -> None:
    """The wait is over: decide with what is known (domain [43])."""
    _decide_held(batch, held, Standing.NEWEST, may_hold=False)


def _end_older_hold(batch: Batch, newer: AfterSaleRequest) -> None:
    """domain [42]"""
    held = batch.tables.holds.of(newer.shop_id, newer.request_id)
    if held is None:
        return
    pending = newer.status is RequestStatus.PENDING_SELLER
    _decide_held(batch, held, Standing.SUPERSEDED if pending else Standing.NOT_PENDING, may_hold=False)


def _decide_held(batch: Batch, held: HoldCell, standing: Standing, *, may_hold: bool) -> None:
    outcome = decide(batch, held.request, standing, may_hold=may_hold)
    if outcome is None:
        return
    request = held.request
    batch.tables.holds.end(request.shop_id, request.request_id)
    order = batch.tables.orders.of(request.shop_id, request.order_id)
    waiting = tuple(one for one in order.held_request_ids if one != request.request_id)
    order = order.model_copy(update={"held_request_ids": waiting})
    batch.tables.orders.write(request.shop_id, request.order_id, order)
    _set_outcome(batch, request, outcome)


def _hold(batch: Batch, request: AfterSaleRequest) -> None:
    due = batch.micros + batch.rules.hold // MICROSECOND
    batch.tables.holds.start(HoldCell(due=due, arrival=batch.tables.holds.next_arrival(), request=request))
    order = batch.tables.orders.of(request.shop_id, request.order_id)
    order = order.model_copy(update={"held_request_ids": (*order.held_request_ids, request.request_id)})
    batch.tables.orders.write(request.shop_id, request.order_id, order)
    batch.count("holds_started")


def _repeat(batch: Batch, request: AfterSaleRequest, known: VersionCell, digest: str) -> None:
    if known.digest == digest:
        batch.count("duplicates")
        return
    batch.count("conflicts")
    batch.alert(alerts.request_conflict(request, digest, batch.at))


def _remember(batch: Batch, request: AfterSaleRequest, version: VersionCell) -> None:
    number = request.request_version
    known = batch.tables.requests.of(request.shop_id, request.request_id) or RequestCell(newest=number, versions={})
    seen = {
        "newest": max(known.newest, number), "versions": known.versions | {number: version}, "seen_at": batch.micros
    }  # fmt: skip
    batch.tables.requests.write(request.shop_id, request.request_id, known.model_copy(update=seen))


def _set_outcome(batch: Batch, request: AfterSaleRequest, outcome: Outcome) -> None:
    cell = batch.tables.requests.of(request.shop_id, request.request_id)
    version = None if cell is None else cell.versions.get(request.request_version)
    if version is None or version.outcome is not None:
        raise InvariantBroken(f"{request.decision_id} of shop {request.shop_id} was about to be decided twice")
    _remember(batch, request, version.model_copy(update={"outcome": outcome}))


def _remember_rejection(batch: Batch, request: AfterSaleRequest) -> None:
    """domain [50]"""
    order = batch.tables.orders.of(request.shop_id, request.order_id)
    items = dict.fromkeys((*order.rejected_item_ids, *(item.order_item_id for item in request.items)))
    kept = {"rejected_item_ids": tuple(items)} if len(items) <= REJECTED_ITEMS_MAX else {"all_rejected": True}
    order = order.model_copy(update=kept)
    batch.tables.orders.write(request.shop_id, request.order_id, order)


def _digest(request: AfterSaleRequest) -> str:
    """What the request says, whatever its spelling: unknown fields, order of fields and offsets do not count.

    Nor does what has its default: another release may know more fields, and finds the same of a request without them.
    """
    said = request.__pydantic_serializer__.to_json(request, exclude_defaults=True)
    return blake2b(said, digest_size=DIGEST_BYTES).hexdigest()
