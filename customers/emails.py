"""E-mail addresses: one strict parser, the form to compare by, and mailboxes that name nobody."""

import re
from functools import lru_cache
from typing import NamedTuple

import idna

from customers.latin import words

LONGEST = 254  # RFC 5321: what a mail server has to take
_LOCAL = re.compile(r"[^\s\x00-\x1f\x7f\"(),:;<>@\[\]\\`|]{1,64}")
_TAIL = re.compile(r"[\d._-]+$")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class Email(NamedTuple):
    """An address: `shown` as people write it, `key` to compare by, `problem` when it can't be used."""

    shown: str
    key: str
    domain: str
    problem: str = ""
    names_nobody: str = ""  # why it identifies no person: role, placeholder, relay


_GMAIL = frozenset({"gmail.com", "googlemail.com"})
_YANDEX = frozenset(
    {"ya.ru", "yandex.ru", "yandex.com", "yandex.by", "yandex.kz", "yandex.ua", "yandex.com.tr", "narod.ru"}
)
_PLUS = frozenset(
    {"mail.ru", "bk.ru", "inbox.ru", "list.ru", "internet.ru", "xmail.ru", "icloud.com", "me.com", "mac.com"}
    | {"naver.com", "fastmail.com", "fastmail.fm", "rambler.ru", "zoho.com"}
)
_PROTON = frozenset({"proton.me", "protonmail.com", "protonmail.ch", "pm.me"})
_MICROSOFT = re.compile(r"(outlook|hotmail|live|msn)\.[a-z.]{2,6}")
_ROLES = words(
    """
    abuse accounting accounts admin administrator ar ap bayi bilgi billing bookkeeping booking bookings
    buchhaltung buh buhgalter buhgalteria buhgalteriya bux career careers contact contacts customer
    customerservice cs destek director donotreply do-not-reply enquiries finans finance help helpdesk
    help-desk hello hostmaster hr iletisim info inform information inquiry insankaynaklari invoice
    invoices jobs kadry kontakt mail mailer marketing muhasebe newsletter no-reply noreply office ofis
    oplata order orders ofice postmaster post press priemnaya privacy purchase purchasing rechnung
    reception reklama sales satis satinalma secretary security sekretar service shop siparis snab store
    support team tender tenders verkauf vertrieb web webmaster yonetim zakaz zakazy zakup zakupki
    бухгалтерия заказ инфо офис почта продажи
    """
)
_EMPTY_LOCALS = words(
    """
    aaa asd asdf asdfg email e-mail guest na net netu no nobody noemail no-email nomail no-mail none
    nope null qwe qwerty test test1 test123 tester xxx yok yoktur 0 00 000 1 11 111 123 12345 123456
    """
)
_EMPTY_DOMAINS = words(
    """
    1.com 1.ru 123.com 123.ru a.a a.com a.ru aa.aa aaa.com abc.com asd.asd asd.com asd.ru domain.com
    invalid.com mail.mail no.com no.no no.ru nomail.com nomail.ru noemail.com none.com none.none none.ru
    null.com test.com test.net test.ru test.test x.com x.ru xx.xx xxx.xxx yok.com
    """
)
_RELAYS = re.compile(
    r"(^|\.)(privaterelay\.appleid\.com|marketplace\.amazon\.[a-z.]+|members\.ebay\.[a-z.]+|relay\.[a-z0-9.-]+"
    r"|marketplace\.[a-z0-9.-]+|mozmail\.com|duck\.com|simplelogin\.com|guest\.airbnb\.com|guest\.booking\.com"
    r"|customer\.ozon\.ru|mail\.trendyol\.com|reply\.[a-z0-9.-]+|message\.alibaba\.com)$"
)


@lru_cache(maxsize=4096)
def _domain(text: str) -> tuple[str, str]:
    """The domain in lower case ASCII and what is wrong with it, of which one is empty."""
    text = text.lower()
    if not text.isascii():
        try:
            text = idna.encode(text, uts46=True, transitional=False).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            return "", "the domain isn't a valid international name"
    labels = text.split(".")
    if len(labels) < 2:
        return "", "the domain has no dot"
    if not all(_LABEL.fullmatch(label) for label in labels):
        return "", "the domain has characters or dots where it may not"
    if labels[-1].isdigit():
        return "", "the domain ends in a number"
    return text, ""


def _local_key(local: str, domain: str) -> tuple[str, str]:
    """Local part and domain of the mailbox behind an address, by its provider's rules."""
    if domain in _GMAIL:
        return local.split("+", 1)[0].replace(".", ""), "gmail.com"
    if domain in _YANDEX:
        return local.split("+", 1)[0].replace("-", "."), "yandex.ru"
    if domain in _PROTON:
        return re.sub(r"[._-]", "", local.split("+", 1)[0]), "proton.me"
    if domain in _PLUS or _MICROSOFT.fullmatch(domain):
        return local.split("+", 1)[0], domain
    return local, domain


@lru_cache(maxsize=4096)
def _nobodys(domain: str) -> str:
    """The same for all mailboxes of a domain."""
    if domain in _EMPTY_DOMAINS or domain.endswith((".invalid", ".localhost")):
        return "placeholder"
    return "relay" if _RELAYS.search(domain) else ""


def _nobody(local: str, domain: str) -> str:
    """Why a mailbox identifies no person, or nothing when it may."""
    if nobody := _nobodys(domain):
        return nobody
    plain = local.split("+", 1)[0]
    if plain in _ROLES or _TAIL.sub("", plain) in _ROLES:
        return "role"
    return "placeholder" if plain in _EMPTY_LOCALS else ""


@lru_cache(maxsize=8192)
def parse(text: str) -> Email:
    """Read one address; never raises: what can't be used carries a `problem` and an empty key."""
    shown = text.strip().strip("​﻿ ")
    if shown[:7].lower() == "mailto:":
        shown = shown[7:]
    if shown.startswith("<") and shown.endswith(">"):
        shown = shown[1:-1]
    local, at, domain = shown.rpartition("@")
    if not at or not local or not domain:
        return Email(shown, "", "", "an address needs a name, an @ and a domain")
    if len(shown) > LONGEST:
        return Email(shown[:LONGEST], "", "", f"longer than {LONGEST} characters")
    if "@" in local:
        return Email(shown, "", "", "more than one @")
    if not _LOCAL.fullmatch(local) or local[0] == "." or local[-1] == "." or ".." in local:
        return Email(shown, "", "", "the part before the @ has characters or dots where it may not")
    host, problem = _domain(domain)
    if problem:
        return Email(shown, "", "", problem)
    folded = local.casefold()
    mailbox, home = _local_key(folded, host)
    if not mailbox:
        return Email(shown, "", "", "nothing is left before the @ once its tag is cut")
    return Email(f"{local}@{domain.lower()}", f"{mailbox}@{home}", host, "", _nobody(folded, host))
