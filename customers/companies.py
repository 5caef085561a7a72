"""Names of companies without their legal forms. Pure."""

import re

from customers.latin import latin, sound, words

_PHRASES = re.compile(
    r"общество с ограниченной ответственностью|товарищество с ограниченной ответственностью"
    r"|жауапкершілігі шектеулі серіктестігі|индивидуальный предприниматель|публичное акционерное общество"
    r"|закрытое акционерное общество|открытое акционерное общество|акционерное общество|акционерлік қоғамы"
    r"|жеке кәсіпкер|san(ayi|\.)? ve tic(aret|\.)?|anonim şirketi|limited şirketi|tic(aret|\.)? ltd"
    r"|주식회사|유한회사|유한책임회사|\(주\)|\(유\)|㈜"
    r"|limited liability company|limited liability partnership"
)
_ABBREVIATION = re.compile(r"\b((?:\w\.[ ]?){2,})")
_WORD = re.compile(r"[^\W_]+")
# As `latin` writes them.
_FORMS = words(
    """
    ooo oao zao pao ao ip too llp llc ltd lp plc gmbh ag kg kgaa ohg ug ek ev se inc incorporated corp
    corporation co company limited sti as anonim sirketi sirket zhshs ak bv nv sa sas sarl srl spa oy ab
    nko ano tov pp chp ie fop jsc cjsc ojsc pjsc zhk yk gp fgup mup the
    """
)
_GENERAL = words(
    "ticaret tic sanayi san ve and und i group grupp grup gruppa holding kholding kompaniya firma"
)


def tokens(name: str) -> tuple[str, ...]:
    """The words that tell a company from others, folded by sound; all of them when nothing else is left."""
    lowered = name.replace("İ", "i").lower()
    plain = _ABBREVIATION.sub(lambda match: match[0].replace(".", "").replace(" ", "") + " ", lowered)
    written = [latin(word) for word in _WORD.findall(_PHRASES.sub(" ", plain))]
    proper = [word for word in written if word not in _FORMS]
    telling = [word for word in proper if word not in _GENERAL]
    return tuple(sound(word) for part in (telling or proper or written) for word in part.split())
