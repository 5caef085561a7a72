"""What went wrong with a mail server, in words for whoever can act."""

import smtplib
import socket
import ssl

from foundation.errors import KartotekaError, Misconfigured, Temporary
from foundation.text import _


def told(host: str, port: int, error: Exception) -> KartotekaError:
    """The error to raise instead: worth another try, or a setting to change."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Misconfigured(_certificate(host, error), "security")
    if isinstance(error, ssl.SSLError):
        return Misconfigured(
            _("%s:%s doesn't speak TLS as asked (%s). Port 465 is for TLS, 587 for STARTTLS.")
            % (host, port, say(error)),
            "security",
        )
    if isinstance(error, smtplib.SMTPAuthenticationError):
        if 400 <= error.smtp_code < 500:
            return Temporary(_("%s can't check the password at the moment: %s") % (host, say(error)))
        return Misconfigured(_("%s refuses the account or its password: %s") % (host, say(error)), "password")
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Misconfigured(_("%s offers no sign-in that we know: %s") % (host, say(error)), "user")
    if isinstance(error, socket.gaierror):
        return Temporary(_("The name %s is not found: %s") % (host, say(error)))
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return Temporary(_("%s:%s doesn't answer in time.") % (host, port))
    if isinstance(error, ConnectionRefusedError):
        return Temporary(_("Nobody takes mail at %s:%s (connection refused).") % (host, port))
    if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code >= 500:
        return Misconfigured(_("%s refuses us: %s") % (host, say(error)), "host")
    return Temporary(_("%s:%s: %s") % (host, port, say(error)))


def _certificate(host: str, error: ssl.SSLCertVerificationError) -> str:
    reasons = {
        10: _("its certificate has expired"),
        18: _("its certificate is self-signed"),
        19: _("its certificate is signed by somebody unknown"),
        20: _("its certificate is signed by somebody unknown"),
        62: _("its certificate is for another name"),
    }
    reason = reasons.get(error.verify_code, error.verify_message)
    return _(
        "%s can't be trusted: %s. Mend the certificate, name the server as the certificate does, or choose "
        "“opportunistic” security, which encrypts without checking whom it talks to."
    ) % (host, reason)


def say(error: Exception) -> str:
    """What the other side or the system said, on one line."""
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        words = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        return f"{error.smtp_code} {words}".replace("\n", " ")[:300]
    return (str(error) or type(error).__name__).replace("\n", " ")[:300]
