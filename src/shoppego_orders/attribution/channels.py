"""Channels: Google Analytics 4's default channel groups, in Google's order, and AI assistants.

The conditions are those of "[GA4] Default channel group" in Google Analytics Help.
"""

from __future__ import annotations

import re

DIRECT = "Direct"
AI_ASSISTANT = "AI Assistant"
REFERRAL = "Referral"
UNASSIGNED = "Unassigned"

CHANNELS = (
    DIRECT,
    "Cross-network",
    "Paid Shopping",
    "Paid Search",
    "Paid Social",
    "Paid Video",
    "Display",
    "Paid Other",
    AI_ASSISTANT,
    "Organic Shopping",
    "Organic Social",
    "Organic Video",
    "Organic Search",
    "Email",
    "Affiliates",
    REFERRAL,
    "Audio",
    "SMS",
    "Mobile Push Notifications",
    UNASSIGNED,
)
"""Every channel that ships, in the order in which their conditions are asked."""

_CATEGORY = {
    "Organic Search": "search",
    "Paid Search": "search",
    "Organic Social": "social",
    "Paid Social": "social",
    "Organic Video": "video",
    "Paid Video": "video",
    "Organic Shopping": "shopping",
    "Paid Shopping": "shopping",
    "Email": "email",
    "Affiliates": "affiliate",
    "SMS": "sms",
    AI_ASSISTANT: "ai",
}


def category_of(channel: str) -> str:
    """What kind of site a row's channel makes it ("search", "social", …; "" for none)."""
    return _CATEGORY.get(channel, "")


def channel_of(
    *, category: str, medium: str, campaign: str, paid_click: bool, otherwise: str
) -> str:
    """The first channel whose condition holds.

    Direct is not asked here: it is what a touch without any evidence is.

    :param category: the source's kind, as :func:`category_of` names it.
    :param medium: folded, "" where there is none.
    :param campaign: folded, "" where there is none.
    :param paid_click: a click id that only ads carry was found; counts where there is no medium.
    :param otherwise: the answer where no condition holds.
    """
    if "cross-network" in campaign:
        return "Cross-network"
    shops = category == "shopping" or ("shop" in campaign and _SHOP.search(campaign) is not None)
    if (medium and _PAID.match(medium) is not None) or (paid_click and not medium):
        return _paid(category, medium, shops=shops)
    if medium in _DISPLAY:
        return "Display"
    if category == "ai" or medium in _AI:
        return AI_ASSISTANT
    if shops:
        return "Organic Shopping"
    if category == "social" or medium in _SOCIAL:
        return "Organic Social"
    if category == "video" or "video" in medium:
        return "Organic Video"
    if category == "search" or medium == "organic":
        return "Organic Search"
    if category == "email" or medium in _EMAIL:
        return "Email"
    if category == "affiliate" or medium in _AFFILIATE:
        return "Affiliates"
    return _by_medium(medium) or ("SMS" if category == "sms" else otherwise)


def _paid(category: str, medium: str, *, shops: bool) -> str:
    if shops:
        return "Paid Shopping"
    if category in _PAID_CATEGORY:
        return _PAID_CATEGORY[category]
    return "Display" if medium in _DISPLAY else "Paid Other"


def _by_medium(medium: str) -> str:
    if medium in _REFERRAL:
        return REFERRAL
    if medium == "audio":
        return "Audio"
    if medium == "sms":
        return "SMS"
    if medium.endswith("push") or "mobile" in medium or "notification" in medium:
        return "Mobile Push Notifications"
    return ""


_PAID = re.compile(r"paid|retargeting\Z|ppc\Z|.*cp", re.DOTALL)
_SHOP = re.compile(r"(?:[^a-df-z]|\A)shop|shopping")
_PAID_CATEGORY = {"search": "Paid Search", "social": "Paid Social", "video": "Paid Video"}
_DISPLAY = frozenset({"display", "banner", "expandable", "interstitial", "cpm"})
_AI = frozenset({"ai", "ai-assistant", "ai-chat"})
_SOCIAL = frozenset({"social", "social-network", "social-media", "sm"})
_EMAIL = frozenset({"email", "e-mail"})
_AFFILIATE = frozenset({"affiliate", "affiliates"})
_REFERRAL = frozenset({"referral", "app", "link"})
