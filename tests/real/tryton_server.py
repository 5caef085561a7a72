"""A real Tryton base of our own, and its accountant: who posts and pays invoices there, as in the client."""

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import requests

from tests.real.vendure_shop import free_port

START = Path(__file__).with_name("start-tryton.sh")


def missing() -> str:
    """Why no real base can be started here; empty when one can."""
    if os.environ.get("KARTOTEKA_REAL") != "1":
        return "real servers are started only with KARTOTEKA_REAL=1"
    return "" if shutil.which("curl") else "a real Tryton base needs curl"


class RealBase:
    """One server. `info` holds its address and keys; the folder may be thrown away afterwards."""

    def __init__(self, folder: Path, packages: Path | None = None) -> None:
        self.folder, self.port = folder, free_port()
        self.info: dict[str, Any] = {}
        uv = Path(sys.executable).with_name("uv")
        extra = {"PYTHON": sys.executable, "UV": str(uv) if uv.exists() else ""}
        self._environment = {**os.environ, **extra} | ({"PACKAGES": str(packages)} if packages else {})

    def start(self) -> None:
        """Start it; a minute or two the first time, 2 s later."""
        self._script()
        self.info = json.loads((self.folder / "info.json").read_text("utf-8"))

    def stop(self) -> None:
        """Ask it to go and wait until it is gone."""
        self._script("stop")

    def _script(self, *words: str) -> None:
        done = subprocess.run(
            ["bash", START, self.folder, str(self.port), *words],
            env=self._environment, capture_output=True, text=True, timeout=400, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"start-tryton.sh failed: {done.stderr[-2000:]}")


class Accountant:
    """Somebody who works in Tryton itself."""

    def __init__(self, info: dict[str, Any]) -> None:
        self._address = f"{info['base']}/{info['database']}/rpc/"
        self._headers: dict[str, str] = {}
        found = self.call("common.db.login", info["user"], {"password": info["password"]}, "en")
        token = f"{info['user']}:{found[0]}:{found[1]}"
        self._headers = {"Authorization": f"Session {base64.b64encode(token.encode()).decode()}"}
        self._context = self.call("model.res.user.get_preferences", True, {})

    def call(self, method: str, *params: Any) -> Any:
        """One call of JSON-RPC; an error fails the test."""
        body = {"id": 1, "method": method, "params": params}
        said = requests.post(self._address, json=body, headers=self._headers, timeout=30).json()
        assert "error" not in said, said
        return said["result"]

    def do(self, model: str, verb: str, *params: Any, **context: Any) -> Any:
        """A method of a model, or of a wizard (“wizard.name”)."""
        name = model if model.startswith("wizard.") else f"model.{model}"
        return self.call(f"{name}.{verb}", *params, {**self._context, **context})

    def write(self, model: str, number: str, **values: Any) -> None:
        """Change an object."""
        self.do(model, "write", [int(number)], values)

    def post(self, invoice: str) -> None:
        """Post a draft, today."""
        self.do("account.invoice", "post", [int(invoice)])

    def pay(self, invoice: str, amount: str) -> None:
        """Receive cash for an invoice, all or a part of it, by Tryton's own wizard."""
        wizard, on = "wizard.account.invoice.pay", int(invoice)
        at = {"active_model": "account.invoice", "active_id": on, "active_ids": [on]}
        [session, first, _] = self.do(wizard, "create")
        start = self._filled(self.do(wizard, "execute", session, {}, first, **at))
        [method] = self.do("account.invoice.payment.method", "search", [])
        start |= {"payment_method": method, "amount": {"__class__": "Decimal", "decimal": amount}}
        said = self.do(wizard, "execute", session, {"start": start}, "choice", **at)
        if "view" in said:  # it isn't all that is due
            ask = self._filled(said) | {"type": "partial"}
            self.do(wizard, "execute", session, {"start": start, "ask": ask}, "pay", **at)

    def _filled(self, said: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in said["view"]["defaults"].items() if not name.endswith(".")}
