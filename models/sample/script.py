"""What the sample's people say: sentences with their phonemes, so that no grapheme-to-phoneme engine is needed."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence and its General American pronunciation in IPA, as Piper's US voices read it."""

    text: str
    ipa: str


LINES: Final = (
    Line(
        "The birch canoe slid on the smooth planks, and we watched it go by.",
        "ðə bˈɜːtʃ kənˈuː slˈɪd ɔnðə smˈuːð plˈæŋks, ænd wiː wˈɑːtʃt ɪt ɡˌoʊ bˈaɪ.",
    ),
    Line(
        "Open the crate, but don't break the glass; you may need both halves.",
        "ˈoʊpən ðə kɹˈeɪt, bˌʌt dˈoʊnt bɹˈeɪk ðə ɡlˈæs; juː mˈeɪ nˈiːd bˈoʊθ hˈævz.",
    ),
    Line(
        "Four hours of steady work faced us, so we made a big pot of coffee.",
        "fˈɔːɹ ˈaʊɚz ʌv stˈɛdi wˈɜːk fˈeɪsd ˌʌs, sˌoʊ wiː mˌeɪd ɐ bˈɪɡ pˈɑːt ʌv kˈɔfi.",
    ),
    Line(
        "The boy was there when the sun rose, and he waved from the open boat.",
        "ðə bˈɔɪ wʌz ðɛɹ wɛn ðə sˈʌn ɹˈoʊz, ænd hiː wˈeɪvd fɹʌmðɪ ˈoʊpən bˈoʊt.",
    ),
    Line(
        "Oak is strong and also gives shade; my father built his house below one.",
        "ˈoʊk ɪz stɹˈɔŋ ænd ˈɔːlsoʊ ɡˈɪvz ʃˈeɪd; maɪ fˈɑːðɚ bˈɪlt hɪz hˈaʊs bᵻlˈoʊ wˌʌn.",
    ),
    Line(
        "Glue the sheet to the dark blue background, then move it to the window.",
        "ɡlˈuː ðə ʃˈiːt tə ðə dˈɑːɹk blˈuː bˈækɡɹaʊnd, ðˈɛn mˈuːv ɪt tə ðə wˈɪndoʊ.",
    ),
)
