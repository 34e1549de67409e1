package sandbox

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// The error types on the wire. There are these four only: rate_limit_error and
// authentication_error are names of classes in Stripe's libraries.
const (
	typeAPI         = "api_error"
	typeCard        = "card_error"
	typeIdempotency = "idempotency_error"
	typeInvalid     = "invalid_request_error"
)

// Error codes that more than one place needs.
// Source: https://docs.stripe.com/error-codes
const (
	codeUnexpectedState  = "payment_intent_unexpected_state"
	codeResourceMissing  = "resource_missing"
	codeParameterMissing = "parameter_missing"
	codeParameterUnknown = "parameter_unknown"
	codeLockTimeout      = "lock_timeout"
	codeRateLimit        = "rate_limit"
)

// object is a JSON object as Stripe sends it.
type object = map[string]any

// apiError is an answer that is not 2xx.
type apiError struct {
	status                                  int
	kind, code, declineCode, message, param string
	charge                                  string
	intent, method                          object
	// commits is set when the changes that were made before stay: a decline is
	// a result, not a refusal of the call.
	commits bool
	// unexecuted is set for a refusal before the call was executed. It is not
	// saved under the idempotency key.
	unexecuted bool
	// emptyParam is set where Stripe sends a param that is "".
	emptyParam bool
	// noLog is set where Stripe sends no request_log_url.
	noLog bool
	// notEmulated is set when real Stripe would have done something else.
	notEmulated bool
	// header is added to the answer.
	header http.Header
}

func (e *apiError) with(code, param string) *apiError {
	e.code, e.param = code, param
	return e
}

func (e *apiError) beforeExecution() *apiError {
	e.unexecuted = true
	return e
}

func (e *apiError) withIntent(intent object) *apiError {
	e.intent = intent
	return e
}

// render makes the body. Absent properties are left out, not null.
func (e *apiError) render(logURL string) object {
	body := object{"type": e.kind, "message": e.message}
	for name, value := range map[string]string{
		"code": e.code, "decline_code": e.declineCode, "param": e.param, "charge": e.charge,
	} {
		if value != "" {
			body[name] = value
		}
	}
	if e.code != "" {
		body["doc_url"] = docURL(e.code)
	}
	if e.emptyParam {
		body["param"] = e.param
	}
	if logURL != "" {
		body["request_log_url"] = logURL
	}
	if e.intent != nil {
		body["payment_intent"] = e.intent
	}
	if e.method != nil {
		body["payment_method"] = e.method
	}
	return object{"error": body}
}

func docURL(code string) string {
	anchor := []byte(code)
	for i, c := range anchor {
		if c == '_' {
			anchor[i] = '-'
		}
	}
	return "https://stripe.com/docs/error-codes/" + string(anchor)
}

// invalid is a 400 invalid_request_error.
func invalid(format string, args ...any) *apiError {
	return &apiError{status: http.StatusBadRequest, kind: typeInvalid, message: fmt.Sprintf(format, args...)}
}

// missingInPath is the 404 for an unknown id in the path. The same id in a
// body is a 400: missingInBody. Stripe refuses both before it executes the call.
func missingInPath(what, id, param string) *apiError {
	e := missingInBody(what, id, param)
	e.status = http.StatusNotFound
	return e
}

func missingInBody(what, id, param string) *apiError {
	return invalid("No such %s: '%s'", what, id).with(codeResourceMissing, param).beforeExecution()
}

// notEmulated refuses what Stripe has and the sandbox has not. The code is one
// that real Stripe has for things that it does not know.
func notEmulated(param string) *apiError {
	e := invalid("The sandbox does not emulate the parameter %s.", param).with(codeParameterUnknown, param).beforeExecution()
	e.notEmulated = true
	return e
}

func notEmulatedValue(param, value string) *apiError {
	e := invalid("The sandbox does not emulate the value '%s' of %s.", value, param).with("", param).beforeExecution()
	e.notEmulated = true
	return e
}

// invalidKey refuses a key and repeats the ends of it, as Stripe does.
func invalidKey(key string) *apiError {
	return &apiError{status: http.StatusUnauthorized, kind: typeInvalid, noLog: true, message: "Invalid API Key provided: " + maskedKey(key)}
}

// maskedKey replaces the middle of a key by stars: its kind and its last four
// characters stay. Of a text that is not a key nothing stays.
func maskedKey(key string) string {
	kind := keyKind.FindString(key)
	if len(key) < len(kind)+8 || kind == "" {
		return strings.Repeat("*", min(len(key), 8))
	}
	return kind + strings.Repeat("*", min(len(key)-len(kind)-4, 100)) + key[len(key)-4:]
}

var keyKind = regexp.MustCompile(`^(sk|rk|pk)_(test|live)_`)

func internalError() *apiError {
	return &apiError{status: http.StatusInternalServerError, kind: typeAPI,
		message: "Error while communicating with one of our backends.  Sorry about that!  We have been notified of the problem.  If you have any questions, we can help at https://support.stripe.com/."}
}

// proxyError is what a proxy in front of Stripe would answer.
func proxyError() answer {
	return answer{status: http.StatusBadGateway, header: http.Header{"Content-Type": {"text/html"}},
		body: []byte("<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>\n")}
}

func lockTimeout() *apiError {
	return &apiError{status: http.StatusTooManyRequests, kind: typeInvalid, code: codeLockTimeout,
		message: "This object cannot be accessed right now because another API request or Stripe process is currently accessing it. If you see this error intermittently, retry the request. If you see this error frequently and are making multiple concurrent requests to a single object, make your requests serially or at a lower rate. For more details, see https://stripe.com/docs/rate-limits#object-lock-timeouts."}
}

func rateLimited() *apiError {
	return &apiError{status: http.StatusTooManyRequests, kind: typeInvalid, code: codeRateLimit,
		message: "Testmode request rate limit exceeded, the rate limits in testmode are lower than livemode. You can learn more about rate limits here https://stripe.com/docs/rate-limits.",
		header:  http.Header{"Stripe-Rate-Limited-Reason": {"endpoint-rate"}}}
}

func keyInUse(key string) *apiError {
	return &apiError{status: http.StatusConflict, kind: typeIdempotency, code: "idempotency_key_in_use",
		message: "There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): " + key + ". Please try again later."}
}
