"""How alike two folded words of a name are: the same, a slip of the finger, an initial. Pure."""

from functools import lru_cache

from customers import nicknames
from customers.latin import korean_sound

SAME, SLIP, INITIAL, DIFFERENT = 3, 2, 1, 0
TWO_SLIPS = 9  # letters of a word that may have two


def _one_slip(a: str, b: str) -> bool:
    """The same for a single slip: past what both begin with, one letter accounts for the rest."""
    half = (min(len(a), len(b)) - 2) // 2  # wherever the slip is, one end is the same
    if half > 0 and a[:half] != b[:half] and a[-half:] != b[-half:]:
        return False
    at = 0
    for left, right in zip(a, b, strict=False):
        if left != right:
            break
        at += 1
    rest, other = a[at + 1 :], b[at + 1 :]
    if rest == other or a[at:] == other or rest == b[at:]:
        return True
    return a[at : at + 2] == b[at : at + 2][::-1] and a[at + 2 :] == b[at + 2 :]


def slips(a: str, b: str, most: int) -> bool:
    """Whether at most so many letters were left out, put in, changed or swapped with their neighbour."""
    if abs(len(a) - len(b)) > most:
        return False
    if most == 1:
        return _one_slip(a, b)
    far = most + 1
    last, before = [far] * (len(b) + 1), [far] * (len(b) + 1)
    row = [min(j, far) for j in range(len(b) + 1)]
    for i, left in enumerate(a, 1):
        last, before, row = before, row, last  # only the band of each is read: further off it is more anyway
        first, end = max(1, i - most), min(len(b), i + most) + 1
        row[first - 1] = i if first == 1 else far
        for j in range(first, end):
            right = b[j - 1]
            cost = min(row[j - 1] + 1, before[j] + 1, before[j - 1] + (left != right))
            if i > 1 and j > 1 and left == b[j - 2] and a[i - 2] == right:
                cost = min(cost, last[j - 2] + 1)
            row[j] = cost
        if min(row[first - 1 : end]) > most:
            return False
    return row[-1] <= most


def likeness(a: str, b: str) -> int:
    """SAME, SLIP, INITIAL or DIFFERENT for two words folded by `latin.sound`."""
    if a == b:
        return SAME
    # one slip spares the first letter or the last; most words that are compared part here
    if a[:1] != b[:1] and a[-1:] != b[-1:] and (len(a) < TWO_SLIPS or len(b) < TWO_SLIPS):
        if nicknames.known(a) and nicknames.known(b):
            return SAME if nicknames.same(a, b) else DIFFERENT
        return DIFFERENT
    return _likeness(a, b)


@lru_cache(maxsize=16384)
def _likeness(a: str, b: str) -> int:
    """The same for two words that differ, and may be alike."""
    shorter, longer = len(a), len(b)
    if shorter > longer:
        a, b, shorter, longer = b, a, longer, shorter
    if shorter == 1:
        return INITIAL if a[0] == b[0] else DIFFERENT
    same = nicknames.same(a, b)
    if same is not None:
        return SAME if same else DIFFERENT
    if longer > shorter + 2:
        return DIFFERENT
    if longer == shorter + 1 and b == a + "a":  # Ivanov and Ivanova, Roman and Romana: a couple, not a slip
        return DIFFERENT
    if shorter < 5 and not (shorter == 4 and sorted(a) == sorted(b)):  # two letters swapped
        return DIFFERENT
    return SLIP if slips(a, b, 2 if shorter >= TWO_SLIPS else 1) else DIFFERENT


@lru_cache(maxsize=16384)
def korean_likeness(a: str, b: str) -> int:
    """The same for Korean names, whatever romanisation each is written in."""
    left, right = korean_sound(a), korean_sound(b)
    if left == right:
        return SAME
    return SLIP if min(len(left), len(right)) >= 6 and slips(left, right, 1) else DIFFERENT
