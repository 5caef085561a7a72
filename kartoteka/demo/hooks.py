"""The invented shop's webhooks: signed, sent once, never retried, switched off after five failures."""

import base64
import hashlib
import hmac
import http.client
import queue
import threading
from typing import Any
from urllib.parse import urlsplit

import msgspec

Hook = dict[str, Any]
FAILURES_ALLOWED = 5


def post(address: str, body: bytes, headers: dict[str, str], patience: float = 10) -> int:
    """Send one request without retry; answers the status, 0 when nobody answered."""
    parts = urlsplit(address)
    line = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=patience)
    try:
        line.request("POST", parts.path or "/", body, headers)
        return line.getresponse().status
    except OSError:
        return 0
    finally:
        line.close()


class Hooks:
    """All webhooks of the shop and the thread that delivers them in order."""

    def __init__(self) -> None:
        self.hooks: dict[int, Hook] = {}
        self.waiting: queue.Queue[tuple[int, bytes, dict[str, str]] | None] = queue.Queue()
        self.delivered = 0
        self.thread = threading.Thread(target=self.deliver, name="demo-hooks", daemon=True)
        self.thread.start()

    def shown(self) -> list[Hook]:
        """The webhooks as the API lists them: without their secrets."""
        return [self.without_secret(hook) for hook in list(self.hooks.values())]

    @staticmethod
    def without_secret(hook: Hook) -> Hook:
        """One webhook as the API answers it."""
        return {name: value for name, value in hook.items() if name not in ("secret", "failures")}

    def add(self, wanted: Hook) -> Hook:
        """Make a webhook and ping it: a form without signature."""
        number = max(self.hooks, default=0) + 1
        resource, _, event = str(wanted.get("topic", "")).partition(".")
        self.hooks[number] = {
            "id": number, "name": wanted.get("name", ""), "status": wanted.get("status", "active"),
            "topic": wanted["topic"], "resource": resource, "event": event,
            "delivery_url": wanted["delivery_url"], "secret": wanted.get("secret", ""), "failures": 0,
        }  # fmt: skip
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        self.waiting.put((number, f"webhook_id={number}".encode(), form))
        return self.without_secret(self.hooks[number])

    def change(self, number: int, wanted: Hook | None, *, remove: bool) -> Hook | None:
        """Change or remove one webhook; None when there is none of that number."""
        hook = self.hooks.get(number)
        if hook is None:
            return None
        if remove:
            del self.hooks[number]
        elif wanted:
            hook.update({name: value for name, value in wanted.items() if name != "id"}, failures=0)
        return self.without_secret(hook)

    def tell(self, resource: str, event: str, thing: dict[str, Any]) -> None:
        """Queue a delivery to every webhook of that topic. The body is fixed now, as the shop's is not."""
        body = msgspec.json.encode(thing)
        for hook in list(self.hooks.values()):
            if hook["status"] == "active" and hook["topic"] == f"{resource}.{event}":
                headers = {
                    "User-Agent": "WooCommerce/10.7.0 Hookshot (WordPress/6.8)",
                    "Content-Type": "application/json",
                    "X-WC-Webhook-Source": "https://shop.example/",
                    "X-WC-Webhook-Topic": hook["topic"],
                    "X-WC-Webhook-Resource": resource,
                    "X-WC-Webhook-Event": event,
                    "X-WC-Webhook-ID": str(hook["id"]),
                    "X-WC-Webhook-Delivery-ID": hashlib.md5(body, usedforsecurity=False).hexdigest(),
                }
                self.waiting.put((hook["id"], body, headers))

    def deliver(self) -> None:
        """Send what waits, one after the other, until told to stop."""
        while (job := self.waiting.get()) is not None:
            self.deliver_one(*job)
            self.waiting.task_done()

    def deliver_one(self, number: int, body: bytes, headers: dict[str, str]) -> None:
        """Sign and send one delivery; count what came of it."""
        hook = self.hooks.get(number)
        if hook is not None and hook["status"] == "active":
            if "X-WC-Webhook-Topic" in headers:
                mark = hmac.new(str(hook["secret"]).encode(), body, hashlib.sha256).digest()
                headers["X-WC-Webhook-Signature"] = base64.b64encode(mark).decode()
            status = post(str(hook["delivery_url"]), body, headers)
            self.delivered += 200 <= status <= 302
            hook["failures"] = 0 if 200 <= status <= 302 else hook["failures"] + 1
            if hook["failures"] > FAILURES_ALLOWED:
                hook["status"] = "disabled"

    def settle(self) -> None:
        """Return when everything queued so far has been sent."""
        self.waiting.join()

    def stop(self) -> None:
        """Let the thread end after what is already queued."""
        self.waiting.put(None)
