"""The closed words of the contract. Every value is wire contract: add, never rename or reuse."""

from __future__ import annotations

from enum import StrEnum

__all__ = [
    "AlertKind", "Channel", "ControlAction", "ControlScope", "Delivery", "ListKind", "LookResult", "Mode", "OrderState",
    "Outcome", "Owner", "ProductMode", "Provenance", "Reason", "RefundType", "RequestStatus", "ResultStatus", "RiskLevel",
    "Severity", "SpecialRefundType",
]  # fmt: skip


class RefundType(StrEnum):
    REFUND_ONLY = "refund_only"
    RETURN_AND_REFUND = "return_and_refund"
    EXCHANGE = "exchange"
    RESEND = "resend"
    REPAIR = "repair"


class SpecialRefundType(StrEnum):
    NONE = "none"
    PRICE_PROTECTION = "price_protection"


class RequestStatus(StrEnum):
    PENDING_SELLER = "pending_seller"
    WITHDRAWN = "withdrawn"
    SELLER_REJECTED = "seller_rejected"
    SELLER_APPROVED = "seller_approved"
    PLATFORM_INVOLVED = "platform_involved"
    CLOSED = "closed"


class RiskLevel(StrEnum):
    NORMAL = "normal"
    ELEVATED = "elevated"
    HIGH = "high"


class Mode(StrEnum):
    LIVE = "live"
    SHADOW = "shadow"


class ProductMode(StrEnum):
    ALL = "all"
    INCLUDE = "include"


class Owner(StrEnum):
    MERCHANT = "merchant"
    PLATFORM = "platform"


class OrderState(StrEnum):
    """The two states of the announcement (2): shipped but not received, and received."""

    SHIPPED_NOT_RECEIVED = "shipped_not_received"
    RECEIVED = "received"


class Delivery(StrEnum):
    WAITING = "waiting"
    IN_TRANSIT = "in_transit"
    PICKUP_POINT = "pickup_point"
    SIGNED = "signed"
    REJECTED = "rejected"
    LOST = "lost"


class ResultStatus(StrEnum):
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    RECOVERED = "recovered"


class ListKind(StrEnum):
    BLOCK = "block"
    NONE = "none"


class ControlScope(StrEnum):
    GLOBAL = "global"
    SHOP = "shop"


class ControlAction(StrEnum):
    HALT = "halt"
    RESUME = "resume"


class Outcome(StrEnum):
    AUTO_APPROVE = "auto_approve"
    MANUAL_REVIEW = "manual_review"


class Provenance(StrEnum):
    MERCHANT_STRATEGY = "merchant_strategy"
    PLATFORM_STRATEGY = "platform_strategy"
    NONE = "none"


class LookResult(StrEnum):
    """What a rule found: it passed (`hit`), it turned the request away (`miss`), it could not be looked at."""

    HIT = "hit"
    MISS = "miss"
    UNKNOWN = "unknown"


class Reason(StrEnum):
    """Why a request was decided so (contract, 3). A rule in a trace bears the name of the reason it gives."""

    APPROVED = "approved"
    HALTED = "halted"
    STRATEGY_MISSING = "strategy_missing"
    STRATEGY_DISABLED = "strategy_disabled"
    NOT_REFUND_ONLY = "not_refund_only"
    SPECIAL_REFUND = "special_refund"
    NOT_PENDING = "not_pending"
    SUPERSEDED = "superseded"
    CURRENCY_UNSUPPORTED = "currency_unsupported"
    AMOUNT_INVALID = "amount_invalid"
    AMOUNT_OVER_REFUNDABLE = "amount_over_refundable"
    PRODUCT_NOT_COVERED = "product_not_covered"
    ORDER_UNKNOWN = "order_unknown"
    NOT_SHIPPED = "not_shipped"
    ORDER_STATE_NOT_SELECTED = "order_state_not_selected"
    OUTSIDE_STATE_DAYS = "outside_state_days"
    SETTLED = "settled"
    LOGISTICS_CONFLICT = "logistics_conflict"
    OUTSIDE_EXECUTION_WINDOW = "outside_execution_window"
    OVER_PER_ORDER_CAP = "over_per_order_cap"
    RISK_FLAGGED = "risk_flagged"
    RISK_UNKNOWN = "risk_unknown"
    BUYER_BLOCKED = "buyer_blocked"
    BUYER_LIMIT = "buyer_limit"
    ITEM_ALREADY_REFUNDED = "item_already_refunded"
    SELLER_REJECTED_BEFORE = "seller_rejected_before"
    DAILY_CAP_REACHED = "daily_cap_reached"
    SHOP_CAP_REACHED = "shop_cap_reached"
    BREAKER_OPEN = "breaker_open"


class AlertKind(StrEnum):
    SPEND_THRESHOLD = "spend_threshold"
    CAP_REACHED = "cap_reached"
    CONFIG_REJECTED = "config_rejected"
    REQUEST_CONFLICT = "request_conflict"
    SHOP_HALTED = "shop_halted"
    SHOP_RESUMED = "shop_resumed"
    BREAKER_TRIPPED = "breaker_tripped"
    DEAD_LETTER_BURST = "dead_letter_burst"


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Channel(StrEnum):
    IN_APP = "in_app"
    SMS = "sms"
