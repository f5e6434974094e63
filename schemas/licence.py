"""What a licence text allows, as far as training a model goes.

A reading of free text, not legal advice: whatever it is not sure of is ``UNKNOWN``, and that is allowed for nothing
unless a person says so.
"""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Final


class LicenceClass(StrEnum):
    """From the least to the most restrictive; what a model of several inherits is the last of them."""

    PUBLIC_DOMAIN = "public-domain"
    ATTRIBUTION = "attribution"  # CC BY, MIT, Apache: name the author
    SHARE_ALIKE = "share-alike"  # CC BY-SA, GPL: what is made of it goes under the same terms
    NON_COMMERCIAL = "non-commercial"
    NO_DERIVATIVES = "no-derivatives"
    UNKNOWN = "unknown"  # no licence, or none that this reading is sure of


class Use(StrEnum):
    """What a model is meant for."""

    COMMERCIAL = "commercial"
    RESEARCH = "research"
    ANY = "any"  # the person who asks answers for the rights


_COMMERCIAL: Final = frozenset({LicenceClass.PUBLIC_DOMAIN, LicenceClass.ATTRIBUTION, LicenceClass.SHARE_ALIKE})
_ALLOWED: Final = {
    Use.COMMERCIAL: _COMMERCIAL,
    Use.RESEARCH: _COMMERCIAL | {LicenceClass.NON_COMMERCIAL},
    Use.ANY: frozenset(LicenceClass),
}

# Looked for in the whole text: wherever a restriction stands, it is heeded.
_RESTRICTIONS: Final = {
    LicenceClass.UNKNOWN: r"all rights reserved|proprietary|confidential|fair use",
    LicenceClass.NO_DERIVATIVES: r"\b(?:by|nc)[- ]nd\b|no[- ]?deriv",
    LicenceClass.NON_COMMERCIAL: r"\bby[- ]nc\b|\bnon[- ]?commercial|\b(?:no|not for) commercial|"
    r"\b(?:research|academic|personal|educational) (?:use |purposes? )?only",
    LicenceClass.SHARE_ALIKE: r"\b(?:by|nc)[- ]sa\b|share[- ]?alike|\b[al]?gpl|\bodbl\b",
}
# Looked for statement by statement: only what is said of the footage, and not denied, allows anything.
_GRANTS: Final = {
    LicenceClass.ATTRIBUTION: r"\bcc[- ]?by\b|creative commons attribution|licenses/by\b|\bmit licen[cs]e\b|^mit$|"
    r"\bapache\b|\bbsd\b|\bodc[- ]by\b|\bcdla[- ]permissive\b",
    LicenceClass.PUBLIC_DOMAIN: r"\bpublic ?domain\b|\bcc[- ]?0\b|\bcc zero\b|^unlicense$",
}
_OF_SOMETHING_ELSE: Final = r"\b(?:list|annotations?|labels?|code|repo|repository|metadata|transcripts?)\b"
_DENIED: Final = r"\b(?:no|not|without|except|unless)\b"


def classify(text: str | None) -> LicenceClass:
    """The class of a source's licence text.

    A licence of something that comes with the footage is not one of the footage: "clip list CC BY 4.0" is
    ``UNKNOWN``, while "US federal government work, public domain; repo states no licence" is ``PUBLIC_DOMAIN``.
    """
    whole = " ".join((text or "").casefold().replace("_", " ").split())
    for restriction, pattern in _RESTRICTIONS.items():
        if re.search(pattern, whole):
            return restriction
    statements = [s.strip() for s in re.split(r"[;,()\[\]]", whole)]
    granting = [s for s in statements if not re.search(_OF_SOMETHING_ELSE, s) and not re.search(_DENIED, s)]
    for grant, pattern in _GRANTS.items():
        if any(re.search(pattern, s) for s in granting):
            return grant
    return LicenceClass.UNKNOWN


def permits(stated: Iterable[str], text: str | None) -> bool:
    """Whether footage under licence ``text`` may be used, given what was stated: a ``Use``, or licences that are
    accepted, each by its ``LicenceClass`` or by its own text; one that fits is enough."""
    found = classify(text)
    accepted = {" ".join(s.casefold().split()) for s in stated}
    allowed = {licence for use in Use if use in accepted for licence in _ALLOWED[use]}
    return found in allowed or found.value in accepted or " ".join((text or "").casefold().split()) in accepted


def most_restrictive(classes: Iterable[LicenceClass]) -> LicenceClass:
    """The class of what is made of all of these; that of nothing is ``PUBLIC_DOMAIN``."""
    order = list(LicenceClass)
    return max(classes, key=order.index, default=LicenceClass.PUBLIC_DOMAIN)
