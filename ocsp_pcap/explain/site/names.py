"""Distinguished names as people write them, held against those of certificates."""

from __future__ import annotations

import re

PART = re.compile(r"(?:\\.|[^\\,;+])+", re.DOTALL)
ONELINE_PART = re.compile(r"/(?=[\w.]+=)")
ESCAPE = re.compile(r"((?:\\[0-9a-fA-F]{2})+)|\\(.)", re.DOTALL)
ALIASES = {
    "commonname": "cn",
    "organizationname": "o",
    "organization": "o",
    "organizationalunitname": "ou",
    "countryname": "c",
    "stateorprovincename": "st",
    "s": "st",
    "localityname": "l",
    "domaincomponent": "dc",
    "e": "emailaddress",
    "email": "emailaddress",
    "1.2.840.113549.1.9.1": "emailaddress",
    "2.5.4.97": "organizationidentifier",
    "2.5.4.5": "serialnumber",
}
"""Attribute types that have several names, in lower case, and the one used here."""


def name_within(given: str, name: str) -> bool:
    """Tell whether all attributes of a name as somebody wrote it stand in a certificate's name.

    Both are texts (RFC 4514, or OpenSSL's ``/C=…/O=…``); order, spaces and letter case do not count.
    """
    wanted = _attributes(given)
    return bool(wanted) and wanted <= _attributes(name)


def _attributes(name: str) -> set[tuple[str, str]]:
    oneline = name.lstrip().startswith("/")
    found: set[tuple[str, str]] = set()
    for part in ONELINE_PART.split(name) if oneline else PART.findall(name):
        kind, equals, value = part.partition("=")
        if not equals:
            kind, value = "cn", part
        kind = kind.strip().lower().removeprefix("oid.")
        text = " ".join(_unescaped(value.strip()).strip('"').split()).casefold()
        if text:
            found.add((ALIASES.get(kind, kind), text))
    return found


def _unescaped(value: str) -> str:
    def replace(match: re.Match[str]) -> str:
        if match[1]:
            return bytes.fromhex(match[1].replace("\\", "")).decode("utf-8", "replace")
        return str(match[2])

    return ESCAPE.sub(replace, value)
