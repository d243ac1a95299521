"""Rows to CSV to mail: what a merchant takes out of the Orders page, and the sales report."""

from shoppego_orders.export.batches import Batch
from shoppego_orders.export.column_sets import (
    ACCOUNTING,
    COLUMN_SETS,
    SHOPIFY,
    SHOPPEGO,
    column_set,
)
from shoppego_orders.export.columns import (
    Column,
    ColumnKind,
    ColumnSet,
    InstantStyle,
    LineColumn,
    Value,
    per_line,
)
from shoppego_orders.export.csv_reader import read_export
from shoppego_orders.export.csv_writer import CsvStream, CsvSummary, write_columns, write_csv
from shoppego_orders.export.files import write_file
from shoppego_orders.export.profiles import EXCEL, PLAIN, PROFILES, RAW, Headers, Profile
from shoppego_orders.export.report import SalesReport, sales_report
from shoppego_orders.export.request import (
    MAIL_LIMIT,
    ExportRequest,
    ExportSummary,
    Per,
    SentAs,
    export_csv,
    export_filename,
    mail_address,
    period_text,
    request_export,
)
from shoppego_orders.export.sales import By, Sales

__all__ = [
    "ACCOUNTING",
    "COLUMN_SETS",
    "EXCEL",
    "MAIL_LIMIT",
    "PLAIN",
    "PROFILES",
    "RAW",
    "SHOPIFY",
    "SHOPPEGO",
    "Batch",
    "By",
    "Column",
    "ColumnKind",
    "ColumnSet",
    "CsvStream",
    "CsvSummary",
    "ExportRequest",
    "ExportSummary",
    "Headers",
    "InstantStyle",
    "LineColumn",
    "Per",
    "Profile",
    "Sales",
    "SalesReport",
    "SentAs",
    "Value",
    "column_set",
    "export_csv",
    "export_filename",
    "mail_address",
    "per_line",
    "period_text",
    "read_export",
    "request_export",
    "sales_report",
    "write_columns",
    "write_csv",
    "write_file",
]
