package server

import (
	"context"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/server/payments"
	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/stripeclient"
)

// The failures that arise at the edge itself.
var (
	errNoToken            = errors.New("no access token")
	errCredentials        = errors.New("wrong email or password")
	errCustomerForbidden  = errors.New("only an admin may set the customer")
	errUserNotFound       = errors.New("user not found")
	errWrongPassword      = errors.New("wrong current password")
	errPasswordUnchanged  = errors.New("new password is the current one")
	errJSON               = errors.New("body is not one JSON value")
	errNotAcceptable      = errors.New("no acceptable media type")
	errUnsupportedContent = errors.New("unsupported media type, charset or encoding")
)

// kind is a kind of problem: what is the same in every answer of its code.
type kind struct {
	status              int32
	code, title, detail string
}

// retryAfter is what a 503 advises, in seconds, unless the error knows better.
const retryAfter = 2

var internal = kind{http.StatusInternalServerError, "internal", "The server failed",
	"Nothing is known to be wrong with the request. Give its id to support."}

// problems says which problem an error is. The first row that fits counts.
var problems = []struct {
	fits func(error) bool
	kind
}{
	{isA[*invalidRequest], kind{http.StatusBadRequest, "invalid_request", "The request does not fit the schema",
		"Mend what `errors` lists and send the request again."}},
	{isErr(errJSON), kind{http.StatusBadRequest, "invalid_json", "The body is not valid JSON",
		"Send exactly one JSON value in valid UTF-8, without duplicate keys."}},
	{isErr(stripeclient.ErrSignature), kind{http.StatusBadRequest, "invalid_signature", "The webhook's signature is not valid",
		"Check that the endpoint's signing secret is the one that the server knows, and that both clocks are right."}},
	{isErr(stripeclient.ErrPayload), kind{http.StatusBadRequest, "invalid_event", "The webhook's body is not an event",
		"Send events as Stripe makes them."}},

	{isErr(auth.ErrTokenExpired), kind{http.StatusUnauthorized, "token_expired", "The access token has expired",
		"Log in again and send the new access token."}},
	{either(isErr(errNoToken), isErr(auth.ErrTokenInvalid)), kind{http.StatusUnauthorized, "unauthenticated", "An access token is required",
		"Log in and send the access token in the header: Authorization: Bearer ACCESS_TOKEN."}},
	{isErr(errCredentials), kind{http.StatusUnauthorized, "invalid_credentials", "The email address or the password is wrong",
		"Check both and try again, or register."}},

	{isA[*payments.DeclinedError], kind{http.StatusPaymentRequired, "payment_declined", "The payment method was declined",
		"Try again or use another payment method; `declineCode` says why this one was declined."}},
	{isErr(errCustomerForbidden), kind{http.StatusForbidden, "customer_forbidden", "Only an admin may set the Stripe customer",
		"Leave `customerId` out, or repeat its present value."}},

	{isErr(errUserNotFound), kind{http.StatusNotFound, "user_not_found", "There is no such user",
		"You may manage yourself, and the users that you created until they make their account their own. None of them has this id."}},
	{isErr(payments.ErrNotFound), kind{http.StatusNotFound, "payment_not_found", "There is no such payment",
		"You have no payment with this id."}},
	{isHTTP(http.StatusNotFound), kind{http.StatusNotFound, "not_found", "There is nothing at this path",
		"Paths are spelled as in /openapi.yaml, without a slash at the end."}},
	{isHTTP(http.StatusMethodNotAllowed), kind{http.StatusMethodNotAllowed, "method_not_allowed", "The path does not take this method",
		"Use a method that the Allow header names."}},
	{isErr(errNotAcceptable), kind{http.StatusNotAcceptable, "not_acceptable", "No acceptable media type",
		"Accept application/json, and application/problem+json for problems."}},

	{isErr(store.ErrEmailTaken), kind{http.StatusConflict, "email_taken", "The email address is taken",
		"Log in, or use another email address."}},
	{isErr(store.ErrCustomerTaken), kind{http.StatusConflict, "customer_taken", "The Stripe customer belongs to another user",
		"Use a customer that no user has."}},
	{isErr(payments.ErrNotConfirmable), kind{http.StatusConflict, "payment_not_confirmable", "The payment cannot be confirmed any more",
		"It was canceled, or Stripe has deleted its customer. Create a payment under a new cuid."}},
	{isErr(payments.ErrAuthenticationPending), kind{http.StatusConflict, "authentication_pending", "Another payment method waits for its authentication",
		"Let the customer finish or cancel the authentication of the first payment method, then confirm with the other one."}},
	{isErr(payments.ErrOtherAccount), kind{http.StatusConflict, "payment_of_other_account", "Stripe does not have this payment",
		"It was created in Stripe's other mode, test or live, or in another Stripe account. Create a payment with a new cuid."}},
	{isTooLarge, kind{http.StatusRequestEntityTooLarge, "body_too_large", "The body is too large",
		"Send at most 64 KiB."}},
	{isErr(errUnsupportedContent), kind{http.StatusUnsupportedMediaType, "unsupported_media_type", "The body is in an unsupported format",
		"Send application/json in UTF-8, without a Content-Encoding."}},

	{isInput(auth.FieldName), kind{http.StatusUnprocessableEntity, "invalid_name", "The name cannot be used",
		"Fix the fields listed in `errors` and send the request again."}},
	{isInput(auth.FieldEmail), kind{http.StatusUnprocessableEntity, "invalid_email", "The email address cannot be used",
		"Fix the fields listed in `errors` and send the request again."}},
	{isErr(errWrongPassword), kind{http.StatusUnprocessableEntity, "wrong_password", "The current password is wrong",
		"Check `currentPassword` and try again. Each failure counts as a failed login."}},
	{isErr(errPasswordUnchanged), kind{http.StatusUnprocessableEntity, "password_unchanged", "The new password is the current one",
		"Choose another password."}},
	{isErr(payments.ErrCUIDMismatch), kind{http.StatusUnprocessableEntity, "cuid_mismatch", "The payment was created under another cuid",
		"Send the cuid that the payment was created under."}},
	{isErr(payments.ErrPaymentMethodUnusable), kind{http.StatusUnprocessableEntity, "payment_method_unusable", "The payment method cannot be used",
		"Stripe does not know this payment method, or it is another customer's. Make a new one with Stripe's client library."}},
	{isErr(payments.ErrCustomerUnknown), kind{http.StatusUnprocessableEntity, "customer_unknown", "Stripe has no such customer",
		"Use the id of a customer that exists in the Stripe account."}},

	{isA[*rateLimitedError], kind{http.StatusTooManyRequests, "rate_limited", "Too many requests",
		"Nothing was done. Wait for as long as Retry-After says, then send at most RateLimit-Limit requests a minute."}},
	{isThrottled(auth.LimitUnconfirmed), kind{http.StatusTooManyRequests, "too_many_unconfirmed_payments", "Too many new payments are not confirmed",
		"The payment was not created. Confirm some of the payments that you created in the last hour, or wait for as long as Retry-After says."}},
	{isThrottled(auth.LimitDeclines), kind{http.StatusTooManyRequests, "too_many_declines", "Too many payments were declined",
		"Nothing was charged. Wait for as long as Retry-After says, then confirm the payment with another payment method."}},
	{isA[*auth.ThrottledError], kind{http.StatusTooManyRequests, "too_many_requests", "Too many attempts",
		"Nothing was done. Wait for as long as Retry-After says before the next attempt; other operations work as ever."}},

	{isErr(auth.ErrBusy), kind{http.StatusServiceUnavailable, "overloaded", "Too many logins at once",
		"Nothing was done. Send the same request again after Retry-After."}},
	{isErr(store.ErrStale), kind{http.StatusServiceUnavailable, "contended", "Too many requests change the same thing at once",
		"Send the same request again after Retry-After; a payment is charged once, however often you do."}},
	{isErr(store.ErrUnavailable), kind{http.StatusServiceUnavailable, "database_unavailable", "The database did not answer",
		"Send the same request again after Retry-After; a payment is charged once, however often you do."}},
	{isStripe(stripeclient.KindOverloaded, stripeclient.KindBusy), kind{http.StatusServiceUnavailable, "stripe_unavailable", "Stripe cannot be asked just now",
		"Nothing was done. Send the same request again after Retry-After."}},
	{either(isStripe(stripeclient.KindUnknown), timedOut), kind{http.StatusServiceUnavailable, "outcome_unknown", "The outcome is not known yet",
		"Send the same request again after Retry-After; a payment is charged once, however often you do."}},
	{isA[*stripeclient.Error], kind{http.StatusBadGateway, "stripe_refused", "Stripe refused the server",
		"An operator has to look at this. Give the id of the request to support."}},
}

// kindOf finds the problem that an error is.
func kindOf(err error) kind {
	for _, row := range problems {
		if row.fits(err) {
			return row.kind
		}
	}
	return internal
}

func isInput(field auth.Field) func(error) bool {
	return func(err error) bool {
		var e *auth.InputError
		return errors.As(err, &e) && e.Field == field
	}
}

func isErr(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

func isA[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

func either(a, b func(error) bool) func(error) bool {
	return func(err error) bool { return a(err) || b(err) }
}

// timedOut fits the end of the request's own time, wherever it came. An error of
// Stripe that says more, because of such an end, stands before it in the table.
func timedOut(err error) bool {
	return !isA[*stripeclient.Error](err) && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled))
}

// isHTTP fits the errors of Echo's router.
func isHTTP(status int) func(error) bool {
	return func(err error) bool {
		var e *echo.HTTPError
		return errors.As(err, &e) && e.Code == status
	}
}

func isTooLarge(err error) bool { return isA[*http.MaxBytesError](err) }

func isThrottled(limit auth.Limit) func(error) bool {
	return func(err error) bool {
		var e *auth.ThrottledError
		return errors.As(err, &e) && e.Limit == limit
	}
}

func isStripe(kinds ...stripeclient.Kind) func(error) bool {
	return func(err error) bool {
		var e *stripeclient.Error
		if !errors.As(err, &e) {
			return false
		}
		for _, k := range kinds {
			if e.Kind == k {
				return true
			}
		}
		return false
	}
}
