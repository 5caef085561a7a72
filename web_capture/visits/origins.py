"""Where a visit came from: campaign, click id or referrer, read as source and medium, put into channels."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from sqlalchemy.orm import Session

from web_capture import sites
from web_capture.messages import Message
from web_capture.tables import Site

CHANNELS = ("direct", "search", "paid_search", "social", "paid_social", "email", "referral", "display")
LETTERS = ("kartoteka", "email")  # source and medium of links in our own letters


class Mark(NamedTuple):
    """What an event says of where its visitor came from. All empty: nothing."""

    source: str = ""
    medium: str = ""
    campaign: str = ""
    term: str = ""
    content: str = ""
    clicks: str = ""
    referrer: str = ""  # host, outside of the company's own sites

    def ends(self, other: "Mark") -> bool:
        """Whether an event with this mark, which isn't empty, ends a visit that began with the other one."""
        if self[:6] != NOTHING[:6]:
            return self[:6] != other[:6]
        return self.referrer != other.referrer


NOTHING = Mark()
_SEARCH = {
    "google": "google", "bing": "bing", "yandex": "yandex", "ya": "yandex", "duckduckgo": "duckduckgo",
    "yahoo": "yahoo", "baidu": "baidu", "naver": "naver", "daum": "daum", "ecosia": "ecosia",
    "brave": "brave", "startpage": "startpage", "qwant": "qwant", "seznam": "seznam", "rambler": "rambler",
}  # fmt: skip
_SOCIAL = {
    "facebook": "facebook", "fb": "facebook", "instagram": "instagram", "t.co": "twitter", "x": "twitter",
    "twitter": "twitter", "vk": "vk", "ok": "ok", "linkedin": "linkedin", "lnkd": "linkedin",
    "pinterest": "pinterest", "tiktok": "tiktok", "youtube": "youtube", "youtu": "youtube",
    "reddit": "reddit", "t.me": "telegram", "telegram": "telegram", "whatsapp": "whatsapp",
    "snapchat": "snapchat", "kakao": "kakao", "threads": "threads", "weibo": "weibo", "dzen": "dzen",
    "band": "band", "quora": "quora",
}  # fmt: skip
_MAILBOXES = (
    "mail.google.com", "mail.yahoo.com", "outlook.live.com", "outlook.office.com", "mail.yandex.ru",
    "mail.yandex.com", "mail.yandex.kz", "e.mail.ru", "mail.ru", "mail.naver.com", "mail.proton.me",
)  # fmt: skip
# who comes back from paying or signing in never left
_RETURNS = (
    "paypal.com", "stripe.com", "klarna.com", "adyen.com", "shop.app", "checkout.shopify.com", "yookassa.ru",
    "yoomoney.ru", "robokassa.ru", "robokassa.com", "cloudpayments.ru", "securepay.tinkoff.ru",
    "securepayments.sberbank.ru", "kaspi.kz", "epay.homebank.kz", "epay.kkb.kz", "iyzico.com", "iyzipay.com",
    "payu.com", "mollie.com", "liqpay.ua", "kakaopay.com", "pay.naver.com", "tosspayments.com", "payme.uz",
    "click.uz", "accounts.google.com", "appleid.apple.com", "login.microsoftonline.com", "id.vk.com",
    "passport.yandex.ru", "kauth.kakao.com", "nid.naver.com",
)  # fmt: skip
_CLICKS = {
    "gclid": ("google", "cpc"), "gbraid": ("google", "cpc"), "wbraid": ("google", "cpc"),
    "dclid": ("google", "display"), "msclkid": ("bing", "cpc"), "yclid": ("yandex", "cpc"),
    "ymclid": ("yandex", "cpc"), "rb_clickid": ("vk", "paid_social"), "ttclid": ("tiktok", "paid_social"),
    "twclid": ("twitter", "paid_social"), "li_fat_id": ("linkedin", "paid_social"),
    "epik": ("pinterest", "paid_social"), "scclid": ("snapchat", "paid_social"),
    "rdt_cid": ("reddit", "paid_social"), "fbclid": ("facebook", "social"), "ysclid": ("yandex", "organic"),
}  # fmt: skip
_PAID = ("cpc", "ppc", "paid", "cpa", "cpv", "ads", "adwords", "sem", "retargeting", "remarketing")
_MEDIUMS = (
    # a word in the medium, and its channel
    ("email", "email"), ("e-mail", "email"), ("newsletter", "email"), ("display", "display"),
    ("banner", "display"), ("cpm", "display"), ("programmatic", "display"), ("social", "social"),
    ("smm", "social"), ("organic", "search"), ("search", "search"),
)  # fmt: skip
_SECOND_LEVEL = frozenset(("co", "com", "org", "net", "gov", "edu", "ac"))


def own_hosts(session: Session, site: Site) -> frozenset[str]:
    """The hosts that are no referrers: the site's own and its sisters'."""
    return frozenset((site.domain, *site.origins, *sites.sisters(session, site)))


def mark_of(message: Message, own: frozenset[str]) -> Mark:
    """What an event says of where its visitor came from."""
    referrer = _outside(message.referrer, own) if message.referrer else ""
    if not message.campaign and not message.clicks:
        return Mark(referrer=referrer) if referrer else NOTHING
    said = message.campaign
    names = [_said(said, name) for name in ("source", "medium", "name", "term", "content")]
    return Mark(
        names[0].lower(), names[1].lower(), names[2], names[3], names[4],
        urlencode(sorted(message.clicks.items())) if message.clicks else "", referrer,
    )  # fmt: skip


def of_letter(message: Message) -> bool:
    """Whether an event comes of a click in one of our own letters."""
    said = message.campaign
    return bool(said) and (said.get("source", "").lower(), said.get("medium", "").lower()) == LETTERS


def read(mark: Mark) -> tuple[str, str, str]:
    """Channel, source and medium of a visit that began with a mark."""
    return _read(mark.source, mark.medium, mark.clicks, mark.referrer, bool(mark.campaign))


@lru_cache(maxsize=4_096)
def _read(source: str, medium: str, clicks: str, referrer: str, named: bool) -> tuple[str, str, str]:
    if not source and not medium:
        source, medium = _of_clicks(clicks) or _of_host(referrer)
        if named and not source:
            medium = "campaign"
    elif not source:
        source = (_of_clicks(clicks) or _of_host(referrer))[0]
    elif not medium:
        medium = (_of_clicks(clicks) or ("", ""))[1]
    return _channel(source, medium, referrer), source, medium


def _of_clicks(clicks: str) -> tuple[str, str] | None:
    names = [part.partition("=")[0] for part in clicks.split("&")]
    return next((_CLICKS[name] for name in _CLICKS if name in names), None)


def _of_host(host: str) -> tuple[str, str]:
    if not host:
        return "", ""
    if host in _MAILBOXES or host.startswith(("webmail.", "com.google.android.gm")):
        return host, "email"
    name = _name(host)
    if name in _SEARCH or host == "com.google.android.googlequicksearchbox":
        return _SEARCH.get(name, "google"), "organic"
    if host in _SOCIAL or name in _SOCIAL:
        return _SOCIAL.get(host) or _SOCIAL[name], "social"
    return host, "referral"


def _channel(source: str, medium: str, referrer: str) -> str:
    if not source and not medium:
        return "direct"
    social = _name(source) in _SOCIAL or source in _SOCIAL or source in _SOCIAL.values() or "social" in medium
    if any(word in medium.replace("_", "-").split("-") for word in _PAID) or medium.startswith("paid"):
        return "paid_social" if social else "paid_search"
    for word, channel in _MEDIUMS:
        if word in medium:
            return channel
    return "social" if social else "email" if source in ("email", "newsletter") else "referral"


def _said(said: Mapping[str, Any], name: str) -> str:
    return str(said.get(name, ""))[:200]


def _name(host: str) -> str:
    """The word that a host is known by: google of www.google.co.uk."""
    parts = host.split(".")
    if len(parts) > 2 and parts[-2] in _SECOND_LEVEL:
        return parts[-3]
    return parts[-2] if len(parts) > 1 else host


def _outside(address: str, own: frozenset[str]) -> str:
    host = _host(address)
    return "" if _belongs(host, own) else host


@lru_cache(maxsize=8_192)
def _host(address: str) -> str:
    """The host of a referrer, empty for one that is a step of the visit itself."""
    try:
        host = (urlsplit(address).hostname or "").rstrip(".")[:253]
    except ValueError:
        return ""
    return "" if _belongs(host, _RETURNS) else host.removeprefix("www.")


def _belongs(host: str, hosts: frozenset[str] | tuple[str, ...]) -> bool:
    return host in hosts or any(host.endswith(f".{one}") for one in hosts)
