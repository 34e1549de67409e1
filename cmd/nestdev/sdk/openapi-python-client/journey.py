"""A customer's way through the API with the client that openapi-python-client generates."""

import os
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

from nest_payments import AuthenticatedClient, Client
from nest_payments.api.payment import (
    payment_controller_confirm_payment as confirm_payment,
    payment_controller_create_payment as create_payment,
    payment_controller_get_payments as get_payments,
)
from nest_payments.api.user import (
    user_controller_find_all as list_users,
    user_controller_find_one as read_user,
    user_controller_login as login,
    user_controller_register as register,
    user_controller_remove as remove_user,
    user_controller_update as update_user,
)
from nest_payments.models import (
    AuthGrantDto,
    ConfirmPaymentDto,
    CreatePaymentDto,
    CreateUserDto,
    LoginUserDto,
    PaymentCreatedDto,
    Problem,
    ReturnPaymentDto,
    ReturnUserDto,
    UpdateUserDto,
)
from nest_payments.types import UNSET, Unset

URL, EMAIL, PASSWORD, CUID = (os.environ[name] for name in ("URL", "EMAIL", "PASSWORD", "CUID"))
T = TypeVar("T")


def expect(kind: type[T], answer: object) -> T:
    """Narrows an answer, which is what was asked for or a Problem."""
    if not isinstance(answer, kind):
        raise SystemExit(f"want a {kind.__name__}, got {answer}")
    return answer


def check(step: str, holds: bool, answer: object = None) -> None:
    if not holds:
        raise SystemExit(f"{step}: {answer}")
    print("ok", step)


def sign_up() -> AuthenticatedClient:
    with Client(URL) as anyone:
        user = CreateUserDto(user_name="Ada Lovelace", email=EMAIL, password=PASSWORD)
        expect(AuthGrantDto, register.sync(client=anyone, body=user))
        check("register", True)
        grant = expect(AuthGrantDto, login.sync(client=anyone, body=LoginUserDto(email=EMAIL, password=PASSWORD)))
        check("login", True)
        return AuthenticatedClient(URL, token=grant.access_token)


def pay(api: AuthenticatedClient) -> None:
    payment = expect(PaymentCreatedDto, create_payment.sync(client=api, body=CreatePaymentDto(CUID)))
    check("create", True)
    # The same cuid is always the same payment: after a lost answer, send it again.
    again = expect(PaymentCreatedDto, create_payment.sync(client=api, body=CreatePaymentDto(CUID)))
    check("retry", again.id == payment.id, again)

    confirm = ConfirmPaymentDto(CUID, payment.id, "pm_card_visa_chargeDeclinedInsufficientFunds")
    problem = expect(Problem, confirm_payment.sync(client=api, body=confirm))
    said = (problem.status, problem.code, problem.decline_code)
    check("decline", said == (402, "payment_declined", "insufficient_funds"), problem)
    confirm.payment_method_id = "pm_card_visa"
    paid = expect(ReturnPaymentDto, confirm_payment.sync(client=api, body=confirm))
    check("success", paid.status == "succeeded", paid)


def list_payments(api: AuthenticatedClient) -> None:
    for n in range(2, 6):
        expect(PaymentCreatedDto, create_payment.sync(client=api, body=CreatePaymentDto(f"{CUID}-{n}")))
    ids: list[str] = []
    pages = 0
    cursor: str | Unset | None = UNSET
    while cursor is not None:
        page = get_payments.sync_detailed(client=api, limit=2, cursor=cursor)
        ids += [expect(ReturnPaymentDto, p).id for p in expect(list, page.parsed)]
        pages += 1
        cursor = next_page(page.headers.get("Link"))
    check("list", len(ids) == len(set(ids)) == 5 and pages == 3, ids)


def next_page(link: str | None) -> str | None:
    """The cursor in a Link header, and None on the last page."""
    if link is None:
        return None
    target = link.removeprefix("<").removesuffix('>; rel="next"')
    return parse_qs(urlsplit(target).query)["cursor"][0]


def leave(api: AuthenticatedClient) -> None:
    (user,) = (expect(ReturnUserDto, u) for u in expect(list, list_users.sync(client=api)))
    changed = update_user.sync(user.user_id, client=api, body=UpdateUserDto(user_name="Ada King"))
    check("change", expect(ReturnUserDto, changed).user_name == "Ada King", changed)

    expect(ReturnUserDto, remove_user.sync(user.user_id, client=api))
    # The token of a deleted user is dead.
    gone = expect(Problem, read_user.sync(user.user_id, client=api))
    check("delete", gone.status == 401, gone)


with sign_up() as api:
    pay(api)
    list_payments(api)
    leave(api)
