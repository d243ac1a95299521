"""The column sets that ship: Shoppego's own, Shopify's headers, and one for the accounts.

Keys never change their meaning. Labels are in English and in Malay.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from shoppego_orders.errors import InvalidValue
from shoppego_orders.export.columns import (
    Column,
    ColumnKind,
    ColumnSet,
    InstantStyle,
    LineColumn,
    Value,
)
from shoppego_orders.money import Money
from shoppego_orders.order import Fulfillment, Life, LineRow, OrderRow, PaymentStatus

_TEXT, _ID, _MONEY = ColumnKind.TEXT, ColumnKind.IDENTIFIER, ColumnKind.MONEY
_INTEGER, _INSTANT = ColumnKind.INTEGER, ColumnKind.INSTANT
_BOOLEAN, _WORD = ColumnKind.BOOLEAN, ColumnKind.WORD


def _order(key: str, kind: ColumnKind, label: str, malay: str, field: str = "") -> Column[OrderRow]:
    return Column(key, label, kind, field or key, malay)


def _line(key: str, kind: ColumnKind, label: str, malay: str, field: str = "") -> LineColumn:
    return LineColumn(key, label, kind, field or key, malay)


SHOPPEGO: Final = ColumnSet(
    "shoppego",
    (
        _order("number", _ID, "Order", "Pesanan"),
        _order("id", _ID, "Id", "ID"),
        _order("shop", _TEXT, "Shop", "Kedai"),
        _order("placed_at", _INSTANT, "Date", "Tarikh"),
        _order("life", _WORD, "Status", "Status"),
        _order("payment_status", _WORD, "Payment status", "Status pembayaran"),
        _order("fulfillment", _WORD, "Fulfillment status", "Status pemenuhan"),
        _order("archived", _BOOLEAN, "Archived", "Diarkibkan"),
        _order("currency", ColumnKind.CURRENCY, "Currency", "Mata wang"),
        _order("subtotal", _MONEY, "Subtotal", "Subjumlah"),
        _order("discount", _MONEY, "Discount", "Diskaun", "discount_total"),
        _order("shipping", _MONEY, "Shipping", "Caj penghantaran", "shipping_total"),
        _order("tax", _MONEY, "Tax", "Cukai", "tax_total"),
        _order("declared_difference", _MONEY, "Unexplained difference", "Beza tidak diketahui"),
        _order("total", _MONEY, "Total", "Jumlah"),
        _order("paid", _MONEY, "Paid", "Dibayar", "paid_total"),
        _order("refunded", _MONEY, "Refunded", "Bayaran balik", "refunded_total"),
        _order("balance", _MONEY, "Balance", "Baki"),
        _order("units", _INTEGER, "Units", "Unit"),
        _order("customer", _TEXT, "Customer", "Pelanggan", "customer_name"),
        _order("email", _TEXT, "E-mail", "E-mel"),
        _order("phone", _ID, "Phone", "Telefon"),
        _order("address1", _TEXT, "Address", "Alamat", "shipping_address1"),
        _order("address2", _TEXT, "Address, second line", "Alamat baris 2", "shipping_address2"),
        _order("postcode", _ID, "Postcode", "Poskod", "shipping_zip"),
        _order("city", _TEXT, "City", "Bandar", "shipping_city"),
        _order("state", _TEXT, "State", "Negeri", "shipping_state"),
        _order("country", _TEXT, "Country", "Negara", "shipping_country"),
        _order("delivery", _WORD, "Delivery", "Cara penghantaran"),
        _order(
            "payment_method", _TEXT, "Payment method", "Kaedah pembayaran", "payment_method_name"
        ),
        _order("payment_type", _WORD, "Payment type", "Jenis pembayaran"),
        # Keys of the merchant's own source table, so text: no closed set of ours.
        _order("source", _TEXT, "Source", "Sumber"),
        _order("channel", _TEXT, "Channel", "Saluran"),
        _order("medium", _TEXT, "Medium", "Medium"),
        _order("campaign", _TEXT, "Campaign", "Kempen"),
        _order("tags", _TEXT, "Tags", "Tag"),
        _order("note", _TEXT, "Note", "Nota"),
        _order("tracking_numbers", _ID, "Tracking numbers", "No. penjejakan"),
        _order("completed_at", _INSTANT, "Checkout completed", "Daftar keluar selesai"),
        _order("shipped_at", _INSTANT, "Shipped", "Dihantar"),
        _order("cancelled_at", _INSTANT, "Cancelled", "Dibatalkan"),
        _order("cancel_reason", _TEXT, "Reason of cancelling", "Sebab pembatalan"),
        _order("abandoned_at", _INSTANT, "Abandoned", "Ditinggalkan"),
        _order("recovered_at", _INSTANT, "Recovered", "Dipulihkan"),
        _order("needs_attention", _BOOLEAN, "Needs attention", "Perlu perhatian"),
        _line("line", _INTEGER, "Line", "Baris", "position"),
        _line("product", _TEXT, "Product", "Produk"),
        _line("variant", _TEXT, "Variant", "Varian"),
        _line("sku", _ID, "SKU", "SKU"),
        _line("quantity", _INTEGER, "Quantity", "Kuantiti"),
        _line("unit_price", _MONEY, "Unit price", "Harga seunit"),
        _line("line_total", _MONEY, "Line total", "Jumlah baris"),
        _line("custom", _BOOLEAN, "Custom item", "Item tersuai"),
    ),
)
"""Everything that Shoppego knows of an order; the default. Several tags stand as "a, b"."""


def _picked(*keys: str) -> tuple[Column[OrderRow] | LineColumn, ...]:
    by_key = {column.key: column for column in SHOPPEGO.columns}
    return tuple(by_key[key] for key in keys)


def _net(row: OrderRow) -> Money:
    return row.total - row.refunded_total


ACCOUNTING: Final = ColumnSet(
    "accounting",
    (
        *_picked("placed_at", "number", "customer", "state", "country", "life"),
        *_picked("payment_status", "payment_method", "payment_type", "currency", "subtotal"),
        *_picked("discount", "shipping", "tax", "declared_difference", "total", "refunded"),
        Column("net", "Net of refunds", _MONEY, _net, "Bersih selepas bayaran balik"),
        *_picked("paid", "balance", "completed_at", "cancelled_at"),
        *_picked("line", "product", "sku", "quantity", "unit_price", "line_total"),
    ),
)
"""What a ledger asks for: how each total is made up, what was paid, refunded, and is owed."""


_SENT: Final = frozenset({Fulfillment.SHIPPED, Fulfillment.COMPLETED})


def _financial_status(row: OrderRow) -> str:
    if row.life is Life.CANCELLED and row.payment_status is PaymentStatus.PENDING:
        return "voided"
    return row.payment_status.value


def _fulfillment_status(row: OrderRow) -> str:
    return "fulfilled" if row.fulfillment in _SENT else "unfulfilled"


def _line_fulfillment_status(line: LineRow) -> str:
    return _fulfillment_status(line.order)


def _after_discount(row: OrderRow) -> Money:
    return row.subtotal - row.discount_total + row.declared_difference


def _street(row: OrderRow) -> str:
    return ", ".join(filter(None, (row.shipping_address1, row.shipping_address2)))


def _product_and_variant(line: LineRow) -> str:
    return " - ".join(filter(None, (line.product, line.variant)))


def _nothing(_row: object) -> None:
    return None


def _once(
    header: str, kind: ColumnKind, value: str | Callable[[OrderRow], Value]
) -> Column[OrderRow]:
    style = InstantStyle.SHOPIFY if kind is _INSTANT else None
    return Column(header, header, kind, value, repeated=False, instants=style)


def _each(header: str, kind: ColumnKind, value: str | Callable[[LineRow], Value]) -> LineColumn:
    return LineColumn(header, header, kind, value)


def _empty(*headers: str) -> tuple[Column[OrderRow], ...]:
    return tuple(_once(header, _TEXT, _nothing) for header in headers)


def _taxes() -> tuple[Column[OrderRow], ...]:
    return _empty(*(f"Tax {n} {what}" for n in range(1, 6) for what in ("Name", "Value")))


SHOPIFY: Final = ColumnSet(
    "shopify",
    (
        Column("Name", "Name", _ID, "number"),
        Column("Email", "Email", _TEXT, "email"),
        _once("Financial Status", _WORD, _financial_status),
        _once("Paid at", _INSTANT, "paid_at"),
        _once("Fulfillment Status", _WORD, _fulfillment_status),
        _once("Fulfilled at", _INSTANT, "shipped_at"),
        *_empty("Accepts Marketing"),
        # Shopify leaves it out on further lines; then their amounts would say no currency.
        Column("Currency", "Currency", ColumnKind.CURRENCY, "currency"),
        _once("Subtotal", _MONEY, _after_discount),
        _once("Shipping", _MONEY, "shipping_total"),
        _once("Taxes", _MONEY, "tax_total"),
        _once("Total", _MONEY, "total"),
        *_empty("Discount Code"),
        _once("Discount Amount", _MONEY, "discount_total"),
        *_empty("Shipping Method"),
        Column("Created at", "Created at", _INSTANT, "placed_at", instants=InstantStyle.SHOPIFY),
        _each("Lineitem quantity", _INTEGER, "quantity"),
        _each("Lineitem name", _TEXT, _product_and_variant),
        _each("Lineitem price", _MONEY, "unit_price"),
        _each("Lineitem compare at price", _MONEY, _nothing),
        _each("Lineitem sku", _ID, "sku"),
        _each("Lineitem requires shipping", _BOOLEAN, _nothing),
        _each("Lineitem taxable", _BOOLEAN, _nothing),
        _each("Lineitem fulfillment status", _WORD, _line_fulfillment_status),
        *_empty("Billing Name", "Billing Street", "Billing Address1", "Billing Address2"),
        *_empty("Billing Company", "Billing City", "Billing Zip", "Billing Province"),
        *_empty("Billing Country", "Billing Phone"),
        _once("Shipping Name", _TEXT, "customer_name"),
        _once("Shipping Street", _TEXT, _street),
        _once("Shipping Address1", _TEXT, "shipping_address1"),
        _once("Shipping Address2", _TEXT, "shipping_address2"),
        *_empty("Shipping Company"),
        _once("Shipping City", _TEXT, "shipping_city"),
        _once("Shipping Zip", _ID, "shipping_zip"),
        _once("Shipping Province", _TEXT, "shipping_state"),
        _once("Shipping Country", _TEXT, "shipping_country"),
        _once("Shipping Phone", _ID, "phone"),
        _once("Notes", _TEXT, "note"),
        *_empty("Note Attributes"),
        _once("Cancelled at", _INSTANT, "cancelled_at"),
        _once("Payment Method", _TEXT, "payment_method_name"),
        *_empty("Payment Reference"),
        _once("Refunded Amount", _MONEY, "refunded_total"),
        _once("Vendor", _TEXT, "shop"),
        _once("Outstanding Balance", _MONEY, "balance"),
        *_empty("Employee", "Location", "Device ID"),
        _once("Id", _ID, "id"),
        _once("Tags", _TEXT, "tags"),
        *_empty("Risk Level"),
        _once("Source", _TEXT, "source"),
        *_empty("Lineitem discount"),
        *_taxes(),
        _once("Phone", _ID, "phone"),
        *_empty("Receipt Number", "Duties", "Billing Province Name", "Shipping Province Name"),
        *_empty("Payment ID", "Payment Terms Name", "Next Payment Due At", "Payment References"),
    ),
)
"""The headers of Shopify's own order export (one record per line item, the order's values on its
first), so that what reads those files reads ours. Empty where Shoppego knows no such thing.

``Subtotal`` is after discounts, as there, and takes in a declared total's unexplained difference.
The headers are those of files that Shopify writes as of 2026; Shopify documents the format at
help.shopify.com under "Exporting orders".
"""

COLUMN_SETS: Final = {each.name: each for each in (SHOPPEGO, SHOPIFY, ACCOUNTING)}
"""The sets that ship, by name."""


def column_set(columns: ColumnSet | str) -> ColumnSet:
    """Take a set, or the name of one that ships.

    :raises InvalidValue: for another name.
    """
    if isinstance(columns, ColumnSet):
        return columns
    if columns not in COLUMN_SETS:
        raise InvalidValue("columns", columns, f"one of {', '.join(COLUMN_SETS)}")
    return COLUMN_SETS[columns]
