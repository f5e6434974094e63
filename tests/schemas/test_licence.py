"""Licence texts as people write them, and what each allows."""

import pytest

from schemas.licence import LicenceClass, classify, most_restrictive, permits

GRID = "GRID corpus, CC BY 4.0 (Cooke et al. 2006, zenodo 3625687)"
HDTF = "HDTF clip list CC BY 4.0; official address of a public office-holder"
WHITE_HOUSE = (
    "White House weekly address style footage (US federal government work, public domain); "
    "repo itself states no licence"
)
TEXTS = {
    GRID: LicenceClass.ATTRIBUTION,
    HDTF: LicenceClass.UNKNOWN,  # a licence of the list, none of the footage
    WHITE_HOUSE: LicenceClass.PUBLIC_DOMAIN,
    "CC0-1.0": LicenceClass.PUBLIC_DOMAIN,
    "https://creativecommons.org/publicdomain/zero/1.0/": LicenceClass.PUBLIC_DOMAIN,
    "CC-BY-3.0-US": LicenceClass.ATTRIBUTION,
    "MIT": LicenceClass.ATTRIBUTION,
    "Apache-2.0": LicenceClass.ATTRIBUTION,
    "https://creativecommons.org/licenses/by/4.0/": LicenceClass.ATTRIBUTION,
    "CC BY-SA 4.0": LicenceClass.SHARE_ALIKE,
    "Creative Commons Attribution-NonCommercial-ShareAlike 4.0": LicenceClass.NON_COMMERCIAL,
    "cc_by_nc_4.0": LicenceClass.NON_COMMERCIAL,
    "research use only": LicenceClass.NON_COMMERCIAL,
    "CC BY-NC-ND 4.0": LicenceClass.NO_DERIVATIVES,
    "Creative Commons Attribution-NoDerivs": LicenceClass.NO_DERIVATIVES,
    "CC BY 4.0, all rights reserved for the sound": LicenceClass.UNKNOWN,
    "not public domain": LicenceClass.UNKNOWN,
    "courtesy of MIT Media Lab": LicenceClass.UNKNOWN,
    "code MIT; videos from YouTube": LicenceClass.UNKNOWN,
    "": LicenceClass.UNKNOWN,
    None: LicenceClass.UNKNOWN,
}


@pytest.mark.parametrize("text", TEXTS)
def test_texts_are_read_with_caution(text: str | None) -> None:
    assert classify(text) is TEXTS[text]


@pytest.mark.parametrize(
    ("stated", "allowed"),
    [
        (("commercial",), {GRID, WHITE_HOUSE, "CC BY-SA 4.0"}),
        (("research",), {GRID, WHITE_HOUSE, "CC BY-SA 4.0", "research use only"}),
        (("any",), {GRID, HDTF, WHITE_HOUSE, "CC BY-SA 4.0", "research use only", "CC BY-NC-ND 4.0", None}),
        (("public-domain",), {WHITE_HOUSE}),
        (("commercial", HDTF.upper()), {GRID, WHITE_HOUSE, "CC BY-SA 4.0", HDTF}),
        (("unknown",), {HDTF, None}),
        (("comercial",), set()),
    ],
)
def test_what_is_stated_decides_what_is_allowed(stated: tuple[str, ...], allowed: set[str | None]) -> None:
    texts = {GRID, HDTF, WHITE_HOUSE, "CC BY-SA 4.0", "research use only", "CC BY-NC-ND 4.0", None}
    assert {text for text in texts if permits(stated, text)} == allowed


def test_a_model_inherits_the_most_restrictive() -> None:
    assert most_restrictive(map(classify, [WHITE_HOUSE, "CC BY-NC 4.0", GRID])) is LicenceClass.NON_COMMERCIAL
    assert most_restrictive([]) is LicenceClass.PUBLIC_DOMAIN
