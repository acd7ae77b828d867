"""Every reason in words, Chinese and English: short for a table, and as what was asked for an explanation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from schemas.vocabulary import Reason

__all__ = ["WORDS", "Words", "markdown_table", "yuan"]


class Words(NamedTuple):
    """`short`: the reason in a few characters. `zh`, `en`: what must be the case, so that a tick or a cross can stand before it."""

    short: str
    zh: str
    en: str


WORDS: Final[Mapping[Reason, Words]] = {
    Reason.APPROVED: Words("自动退款", "自动退款", "approved automatically"),
    Reason.HALTED: Words("店铺已停用", "店铺与平台均未紧急停用", "neither the shop nor the whole service is halted"),
    Reason.STRATEGY_MISSING: Words("没有策略", "店铺有正式运行的策略", "the shop has a live strategy"),
    Reason.STRATEGY_DISABLED: Words("策略未开启", "策略已开启", "a strategy is enabled"),
    Reason.NOT_REFUND_ONLY: Words("不是仅退款", "售后类型为仅退款", "it is a refund without a return"),
    Reason.SPECIAL_REFUND: Words("价保等特殊退款", "不是价保等特殊退款", "it is no price protection or other special refund"),
    Reason.NOT_PENDING: Words("已不待卖家处理", "售后单仍待商家处理", "the request still waits for the seller"),
    Reason.SUPERSEDED: Words("已有新版申请", "是该售后单的最新版本", "it is the newest version of the request"),
    Reason.CURRENCY_UNSUPPORTED: Words("不支持的币种", "币种为人民币", "the currency is CNY"),
    Reason.AMOUNT_INVALID: Words("金额无效", "退款金额大于零", "the amount is more than nothing"),
    Reason.AMOUNT_OVER_REFUNDABLE: Words("超过可退金额", "不超过订单可退金额", "the order has as much left to refund"),
    Reason.PRODUCT_NOT_COVERED: Words("商品不适用", "全部商品在策略范围内", "the strategy covers every product"),
    Reason.ORDER_UNKNOWN: Words("等不到物流信息", "已有订单与物流信息", "the order and its logistics are known"),
    Reason.NOT_SHIPPED: Words("尚未发货", "申请的商品均已发货", "every item was shipped"),
    Reason.ORDER_STATE_NOT_SELECTED: Words("订单状态未选", "策略包含该订单状态", "the strategy covers this state of the order"),
    Reason.OUTSIDE_STATE_DAYS: Words("超出天数", "在策略设定的天数内", "it is within the days after shipping or receipt"),
    Reason.SETTLED: Words("已结算", "订单尚未结算", "the order is not settled"),
    Reason.LOGISTICS_CONFLICT: Words("物流信息矛盾", "物流与买家说法一致", "carrier and buyer agree about the receipt"),
    Reason.OUTSIDE_EXECUTION_WINDOW: Words("不在执行时间", "申请时间在执行时段内", "it was applied for within the hours of the strategy"),
    Reason.OVER_PER_ORDER_CAP: Words("超过单笔上限", "不超过单笔上限(含该订单此前自动退款)", "it is within the cap per order, earlier approvals included"),
    Reason.RISK_FLAGGED: Words("有风险", "平台未提示风险", "the platform sees no risk"),
    Reason.RISK_UNKNOWN: Words("风险未知", "平台给出了风险结论", "the platform has said something of the risk"),
    Reason.BUYER_BLOCKED: Words("买家在名单上", "买家不在黑名单", "the buyer is not blocked"),
    Reason.BUYER_LIMIT: Words("买家次数已满", "未超过买家限额", "the buyer is within the limits"),
    Reason.ITEM_ALREADY_REFUNDED: Words("此商品已退过", "商品此前未自动退款", "no item was approved automatically before"),
    Reason.SELLER_REJECTED_BEFORE: Words("卖家曾拒绝", "商家未曾拒绝这些商品的退款", "the seller has not rejected one of the items before"),
    Reason.DAILY_CAP_REACHED: Words("当日上限已满", "当日额度足够", "the day's budget is enough"),
    Reason.SHOP_CAP_REACHED: Words("全店上限已满", "店铺当日总额度足够", "the shop's budget of the day is enough"),
    Reason.BREAKER_OPEN: Words("熔断", "策略未熔断", "the circuit breaker is closed"),
}  # fmt: skip


def markdown_table() -> str:
    """All of them as schemas/glossary.md shows them."""
    lines = ["| reason | in short | what must be the case | in English |", "|---|---|---|---|"]
    lines += [f"| `{reason}` | {words.short} | {words.zh} | {words.en} |" for reason, words in WORDS.items()]
    return "\n".join(lines) + "\n"


def yuan(fen: int) -> str:
    """An amount as a person reads it: ¥1,234.50."""
    sign, fen = ("-", -fen) if fen < 0 else ("", fen)
    return f"{sign}¥{fen // 100:,}.{fen % 100:02}"
