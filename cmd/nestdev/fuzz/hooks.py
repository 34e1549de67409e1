"""What schemathesis is told beside schemathesis.toml: how requests hang together,
and promises that the schema cannot say."""

import hashlib
import hmac
import os
import re
import time
import zlib

import schemathesis
from requests.auth import AuthBase
from schemathesis.openapi.checks import EnsureResourceAvailability

# The ids of the users whose tokens the campaign uses.
CALLERS = os.environ["FUZZ_CALLER_IDS"].split(",")

WEBHOOK_SECRET = os.environ["FUZZ_WEBHOOK_SECRET"].encode()

# The id of nobody.
NOBODY = "0" * 24

# Cards of the sandbox: they succeed, are declined, ask for 3-D Secure, or take days.
CARDS = [
    "pm_card_visa",
    "pm_card_mastercard",
    "pm_card_createDispute",
    "pm_card_visa_chargeDeclinedInsufficientFunds",
    "pm_card_chargeDeclinedProcessingError",
    "pm_card_chargeCustomerFail",
    "pm_card_threeDSecure2Required",
    "pm_card_threeDSecureRequiredChargeDeclined",
    "pm_sandbox_debit",
]

# What the campaign knows: the cuid and the id of every payment that it has
# created, every email address that it has tried to register, and the email
# address and password of every user that it has.
payments = []
emails = set()
logins = []


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Writes a pattern that has no end as an alternative: schemathesis takes a plain
    one together with a maxLength for one that ends there, ^\\s*\\S for
    ^\\s{0,99}\\S$, and would never send a name of two letters."""
    for schema in raw_schema["components"]["schemas"].values():
        for member in schema.get("properties", {}).values():
            pattern = member.get("pattern", "$")
            if not pattern.endswith("$"):
                member["pattern"] = f"({pattern})|({pattern})"


@schemathesis.hook
def after_call(context, case, response):
    if case.path == "/payment" and response.status_code == 201:
        payments.append((case.body["cuid"], response.json()["id"]))
    if case.path in ("/user", "/user/register") and response.status_code == 201:
        logins.append({"email": case.body["email"], "password": case.body["password"]})


@schemathesis.hook
def before_call(context, case, kwargs):
    """Makes of a request that fits the schema one that also makes sense, three times
    out of four, as schemathesis cannot know how."""
    if case.method == "DELETE" and case.path_parameters.get("id") in CALLERS:
        # A caller that has deleted itself is answered 401 from then on.
        case.path_parameters["id"] = NOBODY
    if case.meta.generation.mode.is_negative or not isinstance(case.body, dict):
        return
    # By the body and not by chance, so that the seed still says it all.
    pick = zlib.crc32(repr(sorted(case.body.items())).encode())
    make_sense = pick % 4 > 0
    if case.path == "/payment/confirm" and payments and make_sense:
        cuid, payment = payments[pick % len(payments)]
        case.body = {"cuid": cuid, "paymentId": payment, "paymentMethodId": CARDS[pick % len(CARDS)]}
    if case.path in ("/user", "/user/register"):
        if case.body["email"] in emails and make_sense:
            case.body["email"] = f"user{len(emails)}@fuzz.example"
        emails.add(case.body["email"])
    if case.path == "/user/{id}" and make_sense:
        # No made-up customer is one of Stripe's.
        case.body.pop("customerId", None)
    if case.path == "/user/login" and logins and make_sense:
        # A server that sees a thousand accounts being guessed at lets nobody in.
        case.body = logins[pick % len(logins)]
    if case.path == "/webhook/stripe":
        if case.body["type"].startswith("payment_intent.") and payments and make_sense:
            case.body["data"] = {"object": {"object": "payment_intent", "id": payments[pick % len(payments)][1]}}
        kwargs["auth"] = StripeSignature()


class StripeSignature(AuthBase):
    """Signs a body as Stripe does, once it is made."""

    def __call__(self, request):
        at = str(int(time.time()))
        mac = hmac.new(WEBHOOK_SECRET, at.encode() + b"." + request.body, hashlib.sha256)
        request.headers["Stripe-Signature"] = f"t={at},v1={mac.hexdigest()}"
        return request


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Tells that something is not found right after it was created from two cases
    where the request is not about it: the payment is named in the body of a
    confirmation, which the check does not look at, and one request in four names
    another; and nobody was put in the place of a caller by before_call."""
    about_another = case.path == "/payment/confirm" or case.path_parameters.get("id") == NOBODY
    return not (isinstance(failure, EnsureResourceAvailability) and about_another)


@schemathesis.check
def problem_conformance(ctx, response, case):
    """A refusal is a problem (RFC 9457) that agrees with its own status line and
    header, of a kind that openapi.yaml lists, whatever the path and the method."""
    if response.status_code < 400 or response.request.method == "HEAD":
        return
    assert response.headers.get("content-type") == ["application/problem+json"], "a refusal is not a problem"
    problem = response.json()
    assert problem["status"] == response.status_code, "the problem has another status than the answer"
    assert [problem["instance"]] == response.headers.get("x-request-id"), "the problem is of another request"
    kinds = case.operation.schema.raw_schema["components"]["schemas"]["Problem"]["properties"]["code"]["x-extensible-enum"]
    assert problem["code"] in kinds, f"openapi.yaml does not list the code {problem['code']}"
    assert problem["type"].endswith("/" + problem["code"]), "type and code are not of the same kind"
    if response.status_code in (429, 503):
        assert re.fullmatch("[1-9][0-9]*", response.headers["retry-after"][0]), "no Retry-After"


@schemathesis.check
def secrets_stay_secret(ctx, response, case):
    """No refusal repeats the password or the token of its request. (A success may
    hold the password, if it is also the name.)"""
    if response.status_code < 400:
        return
    text = response.content.decode()
    token = (case.headers or {}).get("Authorization", "")
    assert len(token) < 100 or token.split()[-1] not in text, "the answer repeats the access token"
    body = case.body if isinstance(case.body, dict) else {}
    password = body.get("password")
    # Shorter ones, and the word itself, may well stand in an answer by chance.
    if isinstance(password, str) and len(password) >= 8 and password != "password":
        assert password not in text, "the answer repeats the password"
