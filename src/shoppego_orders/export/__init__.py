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
from shoppego_orders.export.delivery import (
    MAIL_LIMIT,
    ExportSummary,
    SentAs,
    mail_address,
    request_export,
)
from shoppego_orders.export.documents import OwnColumns, request_from_json, request_to_json
from shoppego_orders.export.exports import Clock, Exports
from shoppego_orders.export.files import write_file
from shoppego_orders.export.profiles import EXCEL, PLAIN, PROFILES, RAW, Headers, Profile
from shoppego_orders.export.report import SalesReport, sales_report
from shoppego_orders.export.request import (
    ExportRequest,
    Per,
    Progress,
    export_csv,
    export_filename,
    period_text,
)
from shoppego_orders.export.sales import By, Sales
from shoppego_orders.export.schedule import (
    Missed,
    Schedule,
    ScheduledRun,
    ask_due,
    schedule_from_json,
    schedule_to_json,
)
from shoppego_orders.export.spool import ExportedFile

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
    "Clock",
    "Column",
    "ColumnKind",
    "ColumnSet",
    "CsvStream",
    "CsvSummary",
    "ExportRequest",
    "ExportSummary",
    "ExportedFile",
    "Exports",
    "Headers",
    "InstantStyle",
    "LineColumn",
    "Missed",
    "OwnColumns",
    "Per",
    "Profile",
    "Progress",
    "Sales",
    "SalesReport",
    "Schedule",
    "ScheduledRun",
    "SentAs",
    "Value",
    "ask_due",
    "column_set",
    "export_csv",
    "export_filename",
    "mail_address",
    "per_line",
    "period_text",
    "read_export",
    "request_export",
    "request_from_json",
    "request_to_json",
    "sales_report",
    "schedule_from_json",
    "schedule_to_json",
    "write_columns",
    "write_csv",
    "write_file",
]
