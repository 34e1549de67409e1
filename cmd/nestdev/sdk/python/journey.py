"""A customer's way through the API with the client that openapi-generator generates."""

import os
from urllib.parse import parse_qs, urlsplit

from nest_payments import (
    ApiClient,
    ApiException,
    Configuration,
    ConfirmPaymentDto,
    CreatePaymentDto,
    CreateUserDto,
    LoginUserDto,
    PaymentApi,
    Problem,
    UpdateUserDto,
    UserApi,
)

EMAIL, PASSWORD, CUID = (os.environ[name] for name in ("EMAIL", "PASSWORD", "CUID"))


def check(step: str, holds: bool, answer: object) -> None:
    if not holds:
        raise SystemExit(f"{step}: {answer}")
    print("ok", step)


def problem_of(error: ApiException) -> Problem:
    """The body of an error, which the client has parsed."""
    if not isinstance(error.data, Problem):
        raise error
    return error.data


def sign_up(client: ApiClient) -> None:
    users = UserApi(client)
    user = CreateUserDto(user_name="Ada Lovelace", email=EMAIL, password=PASSWORD)
    registered = users.register(user)
    check("register", bool(registered.access_token), None)
    grant = users.login(LoginUserDto(email=EMAIL, password=PASSWORD))
    client.configuration.access_token = grant.access_token
    check("login", bool(grant.access_token), None)


def pay(payments: PaymentApi) -> None:
    payment = payments.create_payment(CreatePaymentDto(cuid=CUID))
    check("create", bool(payment.id), payment)
    # The same cuid is always the same payment: after a lost answer, send it again.
    again = payments.create_payment(CreatePaymentDto(cuid=CUID))
    check("retry", again.id == payment.id, again)

    confirm = ConfirmPaymentDto(
        cuid=CUID, payment_id=payment.id, payment_method_id="pm_card_visa_chargeDeclinedInsufficientFunds"
    )
    try:
        check("decline", False, payments.confirm_payment(confirm))
    except ApiException as e:
        problem = problem_of(e)
        said = (problem.status, problem.code, problem.decline_code)
        check("decline", said == (402, "payment_declined", "insufficient_funds"), problem)
    confirm.payment_method_id = "pm_card_visa"
    paid = payments.confirm_payment(confirm)
    check("success", paid.status == "succeeded", paid)


def list_payments(payments: PaymentApi) -> None:
    for n in range(2, 6):
        payments.create_payment(CreatePaymentDto(cuid=f"{CUID}-{n}"))
    page = payments.get_payments_with_http_info(limit=2)
    ids, pages = [p.id for p in page.data], 1
    while link := (page.headers or {}).get("Link"):
        target = link.removeprefix("<").removesuffix('>; rel="next"')
        cursor = parse_qs(urlsplit(target).query)["cursor"][0]
        page = payments.get_payments_with_http_info(limit=2, cursor=cursor)
        ids += [p.id for p in page.data]
        pages += 1
    check("list", len(ids) == len(set(ids)) == 5 and pages == 3, ids)


def leave(users: UserApi) -> None:
    (user,) = users.find_all()
    changed = users.update(user.user_id, UpdateUserDto(user_name="Ada King"))
    check("change", changed.user_name == "Ada King", changed)

    users.remove(user.user_id)
    try:
        check("delete", False, users.find_one(user.user_id))
    except ApiException as e:  # the token of a deleted user is dead
        check("delete", problem_of(e).status == 401, e)


with ApiClient(Configuration(host=os.environ["URL"])) as client:
    sign_up(client)
    pay(PaymentApi(client))
    list_payments(PaymentApi(client))
    leave(UserApi(client))
