"""An independent, naive model of autorefund, read from contract.md and domain.md alone: slow, obvious, no imports of the product.

`Oracle().feed(line)` takes a line of the replay (contract, 4) and answers with its outputs; `python -m tests.oracle FILE`
prints them. Decisions carry no `trace`, alerts only the fields that are compared, dead letters their own wording.

Where two honest readers could differ, and what is read here ("settled" = agreed with the lead beforehand):

Order and clock
 1. [43] In a replay a hold is decided at its due time with decided_at = due, even where the next line comes hours later.
    In a worker's batch that comes late it is decided at the batch's clock: the decision time sets the day [6]. A clock that
    goes back (`at` below an earlier one) stands still instead. A batch (several records, one clock): holds that fell
    due by then, then config, control and buyer-list in their order, then the rest in theirs [31].
 2. [43] A retry (a newer logistics version) is the whole ladder afresh: a shop halted meanwhile is decided `halted`
    then. Neither halts, configs nor buyer-list entries end a hold by themselves.
 3. [43, 44] A hold is not prolonged by future logistics that arrive during it; at its due time the order may have become
    known merely because the clock has caught up.
 4. [44] "any shipped, signed or confirmed time" means any parcel of the order, whether or not it holds an item asked for.
    settled_at and updated_at may lie in the future. Exactly 5 min ahead is still accepted, here and for applied_at.
 5. [42] settled: a late older pending version is `superseded` whatever the newest's status; a hold ended by a newer record
    that is not pending is `not_pending`; earlier rungs (halted) come first. A late older record that is not
    pending ends no hold, but its items count for [50]. A superseded request is never held.

Repeats
 6. Settled: same (request_id, version), other body (known fields, defaults filled in, times as instants) = conflict, and
    nothing else changes. Every conflicting record alerts, also when the same other body comes twice (its alert_id
    is then the same). Order of items and of risk codes is part of the body; an explicit deadline_at equal to the default
    differs from null.
 7. [57] The first version known of a config or an order may be any integer. A record is validated before its version is
    looked at: a stale one that is out of range is still a dead letter with its alert.

The ladder
 8. Settled: stages (request without order, with order, per strategy, on the match) are each looked at whole; one that turns
    away ends the looking. After order_unknown only item_already_refunded and seller_rejected_before can still
    be said.
 9. `disabled` strategies stay among those looked at in [51]: they miss at strategy_disabled, the first rung.
10. [45] "succeeded after the order's updated_at" goes by the result's own `at`, strictly after. In [2] and [45] an approval
    that succeeded with less counts what was executed (settled); `recovered` changes none of the sums [19].
11. [14] settled_at equal to applied_at or to the decision clock is settled ("later than").
12. [25] mode `all` ignores product_ids; excluded_product_ids holds in both modes.
13. [11, 47] settled: the anchor of `received` is the earliest of buyer_confirmed_at and any signed_at known of the parcels
    asked for, even if only the confirmation makes it received.
14. [48] only parcels that hold an item asked for are compared with their `delivery`; buyer_claims_received null never
    contradicts.
15. [37] limits count approvals as they were made: a refund that failed later still counts, with its approved amount;
    the request itself is counted in ("at most"). Approvals by platform strategies count too, shadow ones do not.
16. [39, 56] settled: edges inclusive. The breaker trips (and alerts) only where breaker_open is the deciding reason;
    approvals count whatever became of them. `cap_reached` likewise only where the cap is the deciding reason.
17. [54, 55] settled: the shop's total covers everything approved live that day, deleted strategies included.
    For a shadow strategy, "as if live" [36], the shop's total is the real one and its own imagined spend (not that of
    other shadows); buyer limits, order totals and refunded items go by the real approvals only.
18. [36] settled: each shadow strategy as if the only live one, own spend and breaker. Its facts are those before the real
    decision takes effect. It is listed for every decision, also disabled (strategy_disabled) or superseded; its
    book is kept through changes of mode, apart from its real one.

Consumption [15, 16, 53]
19. "Each change of a strategy-day's spend" means that executed + reserved changed: a full success is no look. On an earlier
    day's release the cap compared with is the one in force now.
20. Strategies that are shadow or deleted at that moment are not looked at (neither alert nor arm). Disabled ones are.
21. An upward crossing that is the fourth of its day disarms without alerting.

Records
22. Settled: required and null as in `fields`. Absent parts: product_scope.mode = all, its lists empty, an absent half
    of order_states = enabled without days. Order item ids, product ids and parcel ids are ids (1..128 characters).
23. schema_version below 1, min_days or max_days below 0, limits below 0, breaker numbers below 1 are out of range.
    quantity, item amounts, paid_fen and refunded_fen may be any integer; min_days above max_days is valid and never passes.
24. [52] settled: larger than approved is invalid whatever the status, and before finality. `at` is not compared with anything.
25. [57] a tombstone is `"value": null` on strategy-config and buyer-list; on other topics it is a dead letter, and so is the
    raw text `null` anywhere.
26. [58] shop_id and strategy_id are read from the record's value (also when its schema_version is unknown), not its key.
27. dead_letter_burst: shop_id "*" (settled), looked at with each dead letter; exactly ten minutes later is allowed again.
28. A record's key is never compared with its value: the value's shop_id and ids speak.
29. [61] a resume of what is not halted changes and alerts nothing. A control record of scope `shop` without shop_id is invalid.
"""

from tests.oracle.model import Oracle, is_line

__all__ = ["Oracle", "is_line"]
