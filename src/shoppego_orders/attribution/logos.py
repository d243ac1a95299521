"""The icons and colours of the Orders page's eight sources, made for this project.

Line drawings on a grid of 24 by 24, in the colour of the text around them; they hint at a
platform and copy nobody's mark. Other rows have a slug alone, for the host's own icons.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType


def _svg(title: str, drawing: str) -> str:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="20" height="20" '
        'role="img" fill="none" stroke="currentColor" stroke-width="1.8" '
        f'stroke-linecap="round" stroke-linejoin="round"><title>{title}</title>{drawing}</svg>'
    )


LOGOS: Mapping[str, str] = MappingProxyType(
    {
        "globe": _svg(
            "Direct",
            '<circle cx="12" cy="12" r="9"/><ellipse cx="12" cy="12" rx="4" ry="9"/>'
            '<path d="M3 12h18M4.5 7.5h15M4.5 16.5h15"/>',
        ),
        "youtube": _svg(
            "YouTube",
            '<rect x="2.5" y="5.5" width="19" height="13" rx="4"/><path d="M10 9v6l5-3z"/>',
        ),
        "tiktok": _svg(
            "TikTok",
            '<circle cx="9" cy="16.5" r="3.5"/><path d="M12.5 16.5V4c.6 2.6 2.4 4.2 5.5 4.5"/>',
        ),
        "google": _svg("Google", '<path d="M18.5 6.5a8.5 8.5 0 1 0 2 5.5H13"/>'),
        "google-plus": _svg(
            "Google Ads",
            '<path d="M12.5 8A6.5 6.5 0 1 0 14 12.5H9"/><path d="M19 9.5v6M16 12.5h6"/>',
        ),
        "telegram": _svg(
            "Telegram", '<path d="M3 11.5 21 4l-3 16-6-4.5-3 3.5-.5-5.5L21 4M8.5 13.5 3 11.5"/>'
        ),
        "whatsapp": _svg(
            "WhatsApp",
            '<path d="M4 20l1.2-4.2A8.5 8.5 0 1 1 8.4 19z"/>'
            '<path d="M9 8.5c0 4 2.5 6.5 6.5 6.5l.5-2-2-1-1 1c-1-.5-1.7-1.2-2.2-2.2l1-1-1-2z"/>',
        ),
        "wordpress": _svg(
            "WordPress",
            '<circle cx="12" cy="12" r="9"/><path d="M6 9l3 8 3-8 3 8 3-8"/>',
        ),
    }
)
"""SVG by the slug that :class:`~shoppego_orders.attribution.Attribution` calls ``logo``."""

LOGO_COLOURS: Mapping[str, str] = MappingProxyType(
    {
        "globe": "#5f6b7a",
        "youtube": "#e60000",
        "tiktok": "#16181d",
        "google": "#4285f4",
        "google-plus": "#d9730d",
        "telegram": "#1f97d4",
        "whatsapp": "#178f5f",
        "wordpress": "#1d5f80",
    }
)
"""What charts paint by the same slug: hints too, dark enough to be seen on white (WCAG 2.2, 1.4.11:
a contrast of 3 to 1)."""
