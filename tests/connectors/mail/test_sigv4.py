"""Signatures against the example that Amazon's documentation works out, and in the form a call needs."""

from connectors.mail import sigv4

KEYS = sigv4.Keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "iam")
SIGNED = {
    "content-type": "application/x-www-form-urlencoded; charset=utf-8",
    "host": "iam.amazonaws.com",
    "x-amz-date": "20150830T123600Z",
}


def test_the_documented_example() -> None:
    found = sigv4.sign(KEYS, "GET", "/", "Action=ListUsers&Version=2010-05-08", SIGNED, b"")
    assert found == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    )


def test_each_part_of_a_call_changes_it() -> None:
    usual = ("GET", "/", "", SIGNED, b"")
    first = sigv4.sign(KEYS, *usual)
    changed = [("POST", *usual[1:]), ("GET", "/x", *usual[2:]), (*usual[:4], b"x"),
               ("GET", "/", "", {**SIGNED, "host": "other"}, b"")]  # fmt: skip
    assert len({first, *(sigv4.sign(KEYS, *one) for one in changed)}) == 5
    assert sigv4.sign(KEYS._replace(secret_key="other"), *usual) != first


def test_headers_name_this_moment(clock) -> None:
    found = sigv4.headers(
        KEYS, "POST", "https://email.us-east-1.amazonaws.com/v2/email/outbound-emails", b"{}"
    )
    assert found["X-Amz-Date"] == clock.now().strftime("%Y%m%dT%H%M%SZ")
    assert found["Content-Type"] == "application/json"
    assert KEYS.secret_key not in str(found)
