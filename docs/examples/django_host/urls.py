"""Which address is answered by what."""

from __future__ import annotations

from django.urls import path

from django_host import views

urlpatterns = [
    path("orders", views.orders, name="orders"),
    path("orders/export", views.export, name="export"),
    path("order", views.order, name="order"),
    path("tabs", views.save_tab, name="save_tab"),
    path("tabs/remove", views.remove_tab, name="remove_tab"),
    path("downloads", views.downloads, name="downloads"),
    path("downloads/files/<str:name>", views.file, name="file"),
]
