"""A Django project around the example, for trying it out: what yours has instead is up to you."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import django

FOLDER = Path(os.environ.get("SHOP_FOLDER", "demo"))
SECRET_KEY = os.environ.get("SHOP_SECRET_KEY") or secrets.token_hex()
DEBUG = bool(os.environ.get("SHOP_DEBUG"))
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]

INSTALLED_APPS = ["django_host"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_host.problems.ProblemMiddleware",
]
ROOT_URLCONF = "django_host.urls"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": FOLDER / "django.sqlite3",
        # A transaction takes the lock before it reads what it decides by, and waits for its turn.
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode = WAL"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "Asia/Kuala_Lumpur"

# Mail is put into files. Django 6.1 has another name for the setting, and warns of the old one.
_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
_OUTBOX = FOLDER / "outbox"
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": _BACKEND, "OPTIONS": {"file_path": _OUTBOX}}}
else:
    EMAIL_BACKEND, EMAIL_FILE_PATH = _BACKEND, _OUTBOX
DEFAULT_FROM_EMAIL = "orders@hartamas.example"

SHOP = "hartamas.myshoppegram.com"
"""The shop's domain; the pages show no other shop's orders."""
SHOP_URL = "http://127.0.0.1:8000"
"""Where the site is reached, for the links in mails."""
SHOP_MERCHANT = "merchant@hartamas.example"
"""Whom exports are mailed to."""
SHOP_DOWNLOADS = FOLDER / "downloads"
"""Where exported files are kept; nobody should be able to fetch them but through the site."""
