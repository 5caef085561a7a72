"""Which passwords we take, and how they are kept."""

from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from time import sleep

import pytest

from console import passwords
from foundation.errors import BadInput

TAKEN = [
    "correct horse battery",
    "        eight spaces",
    "пароль из четырёх слов",
    "비밀번호는여덟자이상",
    "🦔🐢🌵🪁🦉🛶🍄🎈",
    "tulip 7 " * 8,
    "river 42" * 32,
    "no digits at all",
    "12 34 56 78 90!",
    "\ttab and\nnewline",
    "'; DROP TABLE users; --",
]
REFUSED = [
    *("", "short", "seven77", "password", "Password1", "12345678", "qwertyuiop", "iloveyou1"),
    *("P@ssw0rd2026!", "1q2w3e4r", "aaaaaaaa", "abcabcabc", "пароль123", "drowssap", "87654321"),
    *("footballmonkey", "river 42" * 32 + "!"),
]


@pytest.mark.parametrize("password", TAKEN)
def test_taken_password_verifies_exactly(password: str) -> None:
    passwords.check(password)
    kept = passwords.make_hash(password)
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.verify(kept, password)
    assert not passwords.verify(kept, password + " ")
    assert not passwords.verify(kept, password.swapcase() + "x")


@pytest.mark.parametrize("password", REFUSED)
def test_weak_password_is_refused(password: str) -> None:
    with pytest.raises(BadInput):
        passwords.check(password)


@pytest.mark.parametrize("password", ["Olga@example.org", "olgazimina", "Olga.Zimina1"])
def test_own_address_is_no_password(password: str) -> None:
    address = "olga@example.org" if "@" in password else "olga.zimina@example.org"
    with pytest.raises(BadInput):
        passwords.check(password, address)


def test_unknown_user_verifies_nothing() -> None:
    assert not passwords.verify(None, "anything at all")


def test_broken_hash_verifies_nothing() -> None:
    assert not passwords.verify("not a hash", "anything at all")


def test_older_parameters_are_outdated() -> None:
    assert passwords.outdated("$argon2id$v=19$m=8192,t=1,p=1$c29tZXNhbHRzb21l$WJDSXBWVaJbWQ0XvJ4fd3Q")
    assert not passwords.outdated(passwords.make_hash("correct horse battery"))


class Counting:
    """Stands for argon2; counts how many hash at once."""

    def __init__(self) -> None:
        self.now = self.most = self.calls = 0
        self.lock = Lock()

    def verify(self, kept: str, password: str) -> bool:
        with self.lock:
            self.now, self.calls = self.now + 1, self.calls + 1
            self.most = max(self.most, self.now)
        sleep(0.01)
        with self.lock:
            self.now -= 1
        return True


def test_two_hash_at_once_however_many_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting()
    monkeypatch.setattr(passwords, "_hasher", counting)
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda n: passwords.verify("kept", str(n)), range(20)))
    assert counting.calls == 20 and counting.most <= 2


def test_unknown_user_costs_one_hash_like_a_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting()
    monkeypatch.setattr(passwords, "_hasher", counting)
    assert passwords.verify("kept", "x") and counting.calls == 1
    assert not passwords.verify(None, "x") and counting.calls == 2
    assert "m=19456,t=2,p=1" in passwords._NOBODY
