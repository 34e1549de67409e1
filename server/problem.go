package server

import (
	"context"
	"errors"
	"net/http"
	"slices"

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

// problemRow is a kind of problem, the errors that lead to it, and when they occur.
type problemRow struct {
	fits func(error) bool
	kind
	when string
}

// retryAfter is what a 503 advises, in seconds, unless the error knows better.
const retryAfter = 2

const sendAgain = "Send the same request again after the seconds in Retry-After. A payment is charged once, however often you send it."

var internal = problemRow{kind: kind{http.StatusInternalServerError, "internal", "The server failed",
	"The request may be right. Send the id of the request to support."},
	when: "Something failed that the server has no better answer for. The cause is in its log, under the id of the request."}

// problems lists the kinds of problems. The first row that fits an error counts.
var problems = []problemRow{
	{isA[*invalidRequest], kind{http.StatusBadRequest, "invalid_request", "The request does not match the schema",
		"Fix the fields listed in errors and send the request again."},
		"A parameter or a property of the body is missing, unknown or out of bounds."},
	{isErr(errJSON), kind{http.StatusBadRequest, "invalid_json", "The body is not valid JSON",
		"Send exactly one JSON value in valid UTF-8, without duplicate keys."},
		"The body cannot be read as JSON, or did not arrive completely or in time."},
	{isErr(stripeclient.ErrSignature), kind{http.StatusBadRequest, "invalid_signature", "The webhook signature is not valid",
		"Check that the server has the signing secret of this endpoint, and that both clocks are right."},
		"An event was not signed with a secret that the server has, or was signed more than five minutes ago."},
	{isErr(stripeclient.ErrPayload), kind{http.StatusBadRequest, "invalid_event", "The body of the webhook is not an event",
		"Send the event as Stripe makes it."},
		"The body of a webhook request is not an event, or did not arrive completely or in time."},

	{isErr(auth.ErrTokenExpired), kind{http.StatusUnauthorized, "token_expired", "The access token has expired",
		"Log in again and send the new access token."},
		"An access token is valid for two hours."},
	{isErr(auth.ErrTokenInvalid), kind{http.StatusUnauthorized, "token_invalid", "The access token is not valid",
		"Send the access token exactly as the login returned it. If you did, log in again."},
		"The access token is cut off, changed or from another server, its user was deleted, or the password was changed."},
	{isErr(errNoToken), kind{http.StatusUnauthorized, "unauthenticated", "An access token is required",
		"Log in and send the access token in one header: Authorization: Bearer ACCESS_TOKEN."},
		"The request has no access token, and the operation needs one."},
	{isErr(errCredentials), kind{http.StatusUnauthorized, "invalid_credentials", "The email address or the password is wrong",
		"Check both and try again, or register."},
		"No user has this email address and password."},

	{isA[*payments.DeclinedError], kind{http.StatusPaymentRequired, "payment_declined", "The payment method was declined",
		genericDecline},
		"The bank or Stripe declined the payment method. detail is a sentence to show to the payer; declineCode is Stripe's code, for programs. The payment can be confirmed again."},
	{isErr(errCustomerForbidden), kind{http.StatusForbidden, "customer_forbidden", "Only an admin may set the Stripe customer",
		"Leave out customerId, or send its present value."},
		"A user who is not an admin sent another customerId than the present one."},

	{isErr(errUserNotFound), kind{http.StatusNotFound, "user_not_found", "No such user",
		"Check the id. You can manage yourself, and the users that you created until they make their account their own."},
		"No user has this id, or the caller may not see the user who has."},
	{isErr(payments.ErrNotFound), kind{http.StatusNotFound, "payment_not_found", "No such payment",
		"Check the id. You can read and confirm your own payments."},
		"No payment has this id, or it belongs to another user."},
	{isHTTP(http.StatusNotFound), kind{http.StatusNotFound, "not_found", "Nothing is at this path",
		"Use a path as it is spelled in /openapi.yaml, without a slash at the end."},
		"The API has no such path."},
	{isHTTP(http.StatusMethodNotAllowed), kind{http.StatusMethodNotAllowed, "method_not_allowed", "The path does not take this method",
		"Use a method that is listed in the Allow header."},
		"The path exists, for other methods."},
	{isErr(errNotAcceptable), kind{http.StatusNotAcceptable, "not_acceptable", "No acceptable media type",
		"Accept application/json, and application/problem+json for problems."},
		"The Accept header excludes JSON, and the API has nothing else."},

	{isErr(store.ErrEmailTaken), kind{http.StatusConflict, "email_taken", "The email address is taken",
		"Log in, or use another email address."},
		"Another user has this email address, maybe in other letter case."},
	{isErr(store.ErrCustomerTaken), kind{http.StatusConflict, "customer_taken", "The Stripe customer belongs to another user",
		"Use a customer that no user has."},
		"An admin tried to give a user the Stripe customer of another user."},
	{isErr(payments.ErrNotConfirmable), kind{http.StatusConflict, "payment_not_confirmable", "The payment can no longer be confirmed",
		"Create a payment with a new cuid."},
		"The payment was canceled, or its Stripe customer was deleted."},
	{isErr(payments.ErrAuthenticationPending), kind{http.StatusConflict, "authentication_pending", "Another payment method waits for its authentication",
		"Let the customer finish or cancel the authentication of the first payment method, then confirm with the other one."},
		"A confirmation came with a second payment method while the customer authenticates the first one, and Stripe refused it. Stripe may also accept it."},
	{isErr(payments.ErrOtherAccount), kind{http.StatusConflict, "payment_of_other_account", "Stripe does not have this payment",
		"Create a payment with a new cuid."},
		"The payment was created in Stripe's other mode, test or live, or in another Stripe account."},
	{isTooLarge, kind{http.StatusRequestEntityTooLarge, "body_too_large", "The body is too large",
		"Send at most 64 KiB. An event from Stripe may have 256 KiB."},
		"The body has more bytes than the server reads."},
	{isErr(errUnsupportedContent), kind{http.StatusUnsupportedMediaType, "unsupported_media_type", "The body is in an unsupported format",
		"Send application/json in UTF-8, without a Content-Encoding."},
		"The Content-Type is missing or not JSON, or the body is compressed."},

	{isInput(auth.FieldName), kind{http.StatusUnprocessableEntity, "invalid_name", "The name cannot be used",
		"Fix the fields listed in errors and send the request again."},
		"The name matches the schema, but is longer than 100 characters, shows nothing, or has a character that names may not have."},
	{isInput(auth.FieldEmail), kind{http.StatusUnprocessableEntity, "invalid_email", "The email address cannot be used",
		"Fix the fields listed in errors and send the request again."},
		"The email address matches the schema, but a new address must be ASCII before the @."},
	{isInput(auth.FieldPassword, auth.FieldNewPassword), kind{http.StatusUnprocessableEntity, "invalid_password", "The password cannot be used",
		"Fix the fields listed in errors and send the request again."},
		"A new password has fewer than 8 or more than 128 characters. Decomposed characters (NFD) count like composed ones (NFC)."},
	{isErr(errWrongPassword), kind{http.StatusUnprocessableEntity, "wrong_password", "The current password is wrong",
		"Check currentPassword and try again. Each failure counts as a failed login."},
		"A change of the password did not give the password that the user has now."},
	{isErr(errPasswordUnchanged), kind{http.StatusUnprocessableEntity, "password_unchanged", "The new password is the current one",
		"Choose another password."},
		"A change of the password gave the same password twice, in the same or another Unicode form."},
	{isErr(payments.ErrCUIDMismatch), kind{http.StatusUnprocessableEntity, "cuid_mismatch", "The payment was created with another cuid",
		"Send the cuid that the payment was created with."},
		"The cuid and the paymentId of a confirmation belong to different payments."},
	{isErr(payments.ErrPaymentMethodUnusable), kind{http.StatusUnprocessableEntity, "payment_method_unusable", "The payment method cannot be used",
		"Create a new payment method with Stripe's client library and confirm the payment with it."},
		"Stripe does not know the payment method, or it belongs to another customer."},
	{isErr(payments.ErrCustomerUnknown), kind{http.StatusUnprocessableEntity, "customer_unknown", "Stripe has no such customer",
		"Send the id of a customer that exists in the Stripe account."},
		"An admin tried to give a user a Stripe customer that does not exist."},

	{isA[*rateLimitedError], kind{http.StatusTooManyRequests, "rate_limited", "Too many requests",
		"Nothing was done. Wait for the seconds in Retry-After, then send at most RateLimit-Limit requests a minute."},
		"A user, or an address without a valid access token, sent more requests than one caller may send in a minute."},
	{isThrottled(auth.LimitUnconfirmed), kind{http.StatusTooManyRequests, "too_many_unconfirmed_payments", "Too many new payments are not confirmed",
		"The payment was not created. Confirm some of the payments that you created in this clock hour, or wait for the seconds in Retry-After."},
		"A user created many payments within a clock hour and did not confirm them."},
	{isThrottled(auth.LimitDeclines), kind{http.StatusTooManyRequests, "too_many_declines", "Too many payments were declined",
		"Nothing was charged. Wait for the seconds in Retry-After, then confirm the payment with another payment method."},
		"Many confirmations of one payment, user or network address were declined within a clock hour."},
	{isA[*auth.ThrottledError], kind{http.StatusTooManyRequests, "too_many_requests", "Too many attempts",
		"Nothing was done. Wait for the seconds in Retry-After before the next attempt. Other operations are not affected."},
		"Too many logins failed, too many users were created or email addresses changed, or too many payments are confirmed at the same time."},

	{either(isErr(auth.ErrBusy), isErr(errTooManyBodies)), kind{http.StatusServiceUnavailable, "overloaded", "The server is busy",
		"Nothing was done. Send the same request again after the seconds in Retry-After."},
		"More logins or bodies arrived at once than the server handles."},
	{isErr(store.ErrStale), kind{http.StatusServiceUnavailable, "contended", "Too many requests change the same thing at once",
		sendAgain},
		"Other requests changed the same user or payment at the same time."},
	{isErr(store.ErrUnavailable), kind{http.StatusServiceUnavailable, "database_unavailable", "The database did not answer",
		sendAgain},
		"The database is down, or was too slow."},
	{isStripe(stripeclient.KindOverloaded, stripeclient.KindBusy), kind{http.StatusServiceUnavailable, "stripe_unavailable", "Stripe cannot be reached at the moment",
		"Nothing was done. Send the same request again after the seconds in Retry-After."},
		"Stripe is down or limits the server's requests, so the server did not ask it."},
	{either(isStripe(stripeclient.KindUnknown), timedOut), kind{http.StatusServiceUnavailable, "outcome_unknown", "The outcome is not known yet",
		sendAgain},
		"Stripe did not answer in time. The charge may have been made; the same request returns what became of it."},
	{isA[*stripeclient.Error], kind{http.StatusBadGateway, "stripe_refused", "Stripe refused the server",
		"Send the id of the request to support: an operator must fix this."},
		"Stripe refused the server's key or request. The configuration of the server is wrong, not the request."},
}

// kindOf returns the kind of problem that an error is.
func kindOf(err error) kind {
	for _, row := range problems {
		if row.fits(err) {
			return row.kind
		}
	}
	return internal.kind
}

func isInput(fields ...auth.Field) func(error) bool {
	return func(err error) bool {
		var e *auth.InputError
		return errors.As(err, &e) && slices.Contains(fields, e.Field)
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
