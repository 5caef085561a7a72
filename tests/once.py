"""What is dear to make and the same to every test is made once in a process: hashes, RSA keys, rows."""

from collections.abc import Collection
from functools import cache
from types import SimpleNamespace

from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import Engine

from console import passwords
from email_campaigns.delivery import domains
from migrations.models import METADATA

password_hash = cache(passwords.make_hash)


class Keys:
    """RSA keys in the order they are asked for: new ones within a test, the same again in the next."""

    def __init__(self) -> None:
        self._made: list[rsa.RSAPrivateKey] = []
        self._given = 0

    def again(self) -> None:
        """The next key is the first again."""
        self._given = 0

    def generate(self, exponent: int, bits: int) -> rsa.RSAPrivateKey:
        """What `rsa.generate_private_key` would give."""
        assert (exponent, bits) == (65537, domains.BITS)
        if self._given == len(self._made):
            self._made.append(rsa.generate_private_key(exponent, bits))
        self._given += 1
        return self._made[self._given - 1]


KEYS = Keys()
domains.rsa = SimpleNamespace(generate_private_key=KEYS.generate, RSAPrivateKey=rsa.RSAPrivateKey)


class Rows:
    """All rows of a database as they are now, to be put back where a test begins with the same ones."""

    def __init__(self, engine: Engine, *, but: Collection[str] = ()) -> None:
        """Of every table that has any, `but` these."""
        self._tables: dict[str, bytes] = {}
        with engine.connect() as connection:
            cursor = connection.connection.cursor()
            for name in [table.name for table in METADATA.sorted_tables if table.name not in but]:
                with cursor.copy(f"COPY {name} TO STDOUT (FORMAT binary)") as rows:
                    self._tables[name] = b"".join(rows)
            counts = "SELECT sequencename, last_value FROM pg_sequences WHERE last_value IS NOT NULL"
            self._counts = cursor.execute(counts).fetchall()

    def put(self, engine: Engine) -> None:
        """In place of what these tables hold."""
        with engine.begin() as connection:
            cursor = connection.connection.cursor()
            cursor.execute(";".join(f"DELETE FROM {name}" for name in reversed(self._tables)))
            for name, rows in self._tables.items():
                with cursor.copy(f"COPY {name} FROM STDIN (FORMAT binary)") as copy:
                    copy.write(rows)
            cursor.executemany("SELECT setval(%s, %s)", self._counts)
