"""Rebuild ``models/data/words.tsv``: frequent English words and how Piper's US voices read them.

    python -m models.sample.build_lexicon cmudict.dict frequency_dictionary_en_82_765.txt -o models/data/words.tsv

``models/data/WORDS.md`` says where the two files come from. One line a word, the most frequent first: word, IPA.
"""

import argparse
import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Final

N_WORDS: Final = 4000
LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"

# GRID's commands and the digits (models.sample.sentences), however rare.
_ALWAYS: Final = """
    bin lay place set blue green red white at by in with again now please soon
    zero one two three four five six seven eight nine
""".split()  # noqa: SIM905 - prose reads better than quotes

_VOWELS: Final = {
    "AA": "ɑː", "AE": "æ", "AH": "ʌ", "AO": "ɔː", "AW": "aʊ", "AY": "aɪ", "EH": "ɛ", "ER": "ɜː", "EY": "eɪ",
    "IH": "ɪ", "IY": "iː", "OW": "oʊ", "OY": "ɔɪ", "UH": "ʊ", "UW": "uː",
}  # fmt: skip
_REDUCED: Final = _VOWELS | {"AH": "ə", "ER": "ɚ", "IY": "i"}
_CONSONANTS: Final = {
    "B": "b", "CH": "tʃ", "D": "d", "DH": "ð", "F": "f", "G": "ɡ", "HH": "h", "JH": "dʒ", "K": "k", "L": "l",
    "M": "m", "N": "n", "NG": "ŋ", "P": "p", "R": "ɹ", "S": "s", "SH": "ʃ", "T": "t", "TH": "θ", "V": "v", "W": "w",
    "Y": "j", "Z": "z", "ZH": "ʒ",
}  # fmt: skip
_STRESS: Final = {"1": "ˈ", "2": "ˌ", "0": ""}
_FLAP: Final = "ɾ"

# Said without stress inside a sentence; the dictionary gives them as said alone.
FUNCTION_WORDS: Final = frozenset(
    """
    a an the of and to in is that for it as was with be by on not he his but at are this have from which or had they
    you were their been has would her all she there will we him than who its if about into them can only some could
    these do so then our me my your what when how up out
    """.split()  # noqa: SIM905
)
# Frequent on the web, out of place in a demonstration: no word that holds one of these, nor is one of those.
_LEFT_OUT_PARTS: Final = (
    "sex", "porn", "nud", "viagra", "fuck", "shit", "lesbian", "naked", "erotic", "fetish", "terror",
)  # fmt: skip
_LEFT_OUT: Final = frozenset("ass anal incest cock tits dick penis gay rape nazi".split())  # noqa: SIM905
_WEAK: Final = {"to": "tə", "was": "wʌz"}  # the dictionary gives the strong form first


def to_ipa(word: str, arpabet: Iterable[str]) -> str:
    """IPA as espeak writes General American: stress marks stand before vowels, t between vowels is a flap."""
    if word in _WEAK:
        return _WEAK[word]
    sounds: list[str] = []
    phones = list(arpabet)
    for k, phone in enumerate(phones):
        if phone[-1].isdigit():
            vowel, level = phone[:-1], phone[-1]
            mark = "" if word in FUNCTION_WORDS else _STRESS[level]
            sounds.append(mark + (_REDUCED if level == "0" else _VOWELS)[vowel])
        elif phone == "T" and 0 < k < len(phones) - 1 and phones[k - 1][-1].isdigit() and phones[k + 1].endswith("0"):
            sounds.append(_FLAP)
        else:
            sounds.append(_CONSONANTS[phone])
    return "".join(sounds)


def build(dictionary: Path, frequencies: Path) -> list[tuple[str, str]]:
    """Words with their IPA, the most frequent first, then the 26 letters' names under their capitals."""
    said: dict[str, list[str]] = {}
    for line in dictionary.read_text(encoding="utf-8").splitlines():
        word, *arpabet = line.split("#")[0].split()
        said.setdefault(word, arpabet)
    ranked = (line.split()[0] for line in frequencies.read_text(encoding="utf-8-sig").splitlines())
    fit = (
        w
        for w in ranked
        if w in said
        and (len(w) > 1 or w in "ai")
        and w not in _LEFT_OUT
        and not any(part in w for part in _LEFT_OUT_PARTS)
    )
    words = list(dict.fromkeys([*itertools.islice(fit, N_WORDS), *_ALWAYS]))
    letters = [(letter.upper(), to_ipa(letter.upper(), said[f"{letter}."])) for letter in LETTERS]
    return [(word, to_ipa(word, said[word])) for word in words] + letters


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dictionary", type=Path, help="cmudict.dict")
    parser.add_argument("frequencies", type=Path, help="lines of word and count, the most frequent first")
    parser.add_argument("-o", "--out", type=Path, required=True)
    args = parser.parse_args()
    lines = [f"{word}\t{ipa}\n" for word, ipa in build(args.dictionary, args.frequencies)]
    args.out.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
