package sandbox

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxBody is the size of the largest request body, in bytes.
const maxBody = 1 << 20

// call is one call of Stripe's API.
type call struct {
	*Sandbox
	*params
	cause
	route *route
	// id is the object in the path, sub the one below it.
	id, sub string
	// host is the sandbox as the caller addressed it.
	host string
	// sentKey is the caller's Idempotency-Key, on POST only, or "".
	sentKey string
	// apiKey is the secret key of the caller.
	apiKey string
}

// cause is what events and charges remember of the call that made them.
type cause struct {
	// requestID is ours. key, on POST only, is the caller's Idempotency-Key, or
	// the one that Stripe makes for a call without one. Both are empty if it
	// was the control API.
	requestID, key string
	// at is the time, in unix seconds.
	at int64
}

// work is the part of a call that executes, under Sandbox.mu, once all
// parameters are known to be well-formed. It returns the answer's body.
type work func() (object, *apiError)

// answer is what goes out.
type answer struct {
	status int
	// executed is false if the call was refused before it was executed.
	executed bool
	body     []byte
	header   http.Header
	gist     gist
	// events are the ids of those that the call caused.
	events []string
}

// serveAPI takes a call through the layers in Stripe's order: key, limits,
// form, idempotency, and only then execution.
func (s *Sandbox) serveAPI(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	requestID := newID("req_")
	form := &recording{ReadCloser: r.Body}
	r.Body = form
	c, route, refusal := s.admit(r, requestID)
	var out answer
	var struck strike
	if refusal != nil {
		out = s.failure(refusal, requestID)
	} else {
		struck = s.faults.strike(r.Method+" "+r.URL.Path, c.possibleFaults())
		out = s.answer(c, struck)
	}
	key := r.Header.Get("Idempotency-Key")
	if out.executed {
		key = c.key
	}
	setHeader(w.Header(), r.Method, requestID, key, out)
	if isCall(r) {
		s.count(route)
		s.history.addCall(seenCall{id: requestID, at: s.clock(), took: time.Since(began), method: shortened(r.Method),
			path: shortened(r.URL.Path), status: out.status, gist: out.gist, key: shortened(r.Header.Get("Idempotency-Key")),
			replayOf: out.replayOf(), strike: struck, events: out.events, exchange: newExchange(r, form, w.Header(), out)})
		s.feed.notify()
		s.log.Debug("stripe call", slog.String("route", route), slog.Int("status", out.status),
			slog.String("request", requestID), slog.Duration("took", time.Since(began)))
	}
	send(w, out, struck.kind)
}

// isCall reports whether a request is meant for Stripe's API. Other requests get
// Stripe's answer, but are not counted, remembered or logged: browsers ask every
// server for files such as an icon, without a key and not under /v1/.
func isCall(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/v1/") || r.Header.Get("Authorization") != ""
}

// replayOf is the call whose saved answer this is, "" if it is a new one.
func (out answer) replayOf() string {
	if out.header.Get("Idempotent-Replayed") == "" {
		return ""
	}
	return out.header.Get("Original-Request")
}

// shortened keeps the beginning of a text that may be of any length.
func shortened(text string) string {
	const most = 300
	if len(text) <= most {
		return strings.ToValidUTF8(text, "\uFFFD")
	}
	return strings.ToValidUTF8(text[:most], "\uFFFD") + "…"
}

// unrecognized is the route of calls that have none.
const unrecognized = "unrecognized"

// admit finds the route and checks the secret key and the form of the call.
func (s *Sandbox) admit(r *http.Request, requestID string) (*call, string, *apiError) {
	route, id, sub := findRoute(r.Method, r.URL.Path)
	name := unrecognized
	if route != nil {
		name = route.String()
	}
	if err := s.authenticate(r); err != nil {
		return nil, name, err
	}
	if route == nil {
		s.log.Warn("not emulated", slog.String("method", r.Method), slog.String("path", r.URL.Path))
		return nil, name, &apiError{status: http.StatusNotFound, kind: typeInvalid,
			message: fmt.Sprintf("Unrecognized request URL (%s: %s). If you are trying to list objects, remove the trailing slash. If you are trying to retrieve an object, make sure you passed a valid (non-empty) identifier in your code. Please see https://stripe.com/docs or we can help at https://support.stripe.com/.", r.Method, r.URL.Path)}
	}
	if err := s.checkTarget(r); err != nil {
		return nil, name, err
	}
	values, err := readValues(r)
	if err != nil {
		return nil, name, err
	}
	c := &call{Sandbox: s, params: newParams(values), route: route, id: id, sub: sub,
		host: r.Host, apiKey: apiKey(r), cause: cause{requestID: requestID, at: s.now()}}
	if r.Method == http.MethodPost {
		c.sentKey = r.Header.Get("Idempotency-Key")
		c.key = cmp.Or(c.sentKey, newUUID())
		if len(c.key) > 255 {
			return nil, name, &apiError{status: http.StatusBadRequest, kind: typeIdempotency,
				message: "Idempotency keys can be at most 255 characters long."}
		}
	}
	return c, name, nil
}

// checkTarget refuses another version of the API and another account.
func (s *Sandbox) checkTarget(r *http.Request) *apiError {
	if version := r.Header.Get("Stripe-Version"); version != "" && version != APIVersion {
		s.log.Warn("not emulated", slog.String("header", "Stripe-Version"))
		e := invalid("Invalid Stripe API version: %s. The sandbox emulates %s.", shortened(version), APIVersion)
		e.noLog = true
		return e
	}
	if account := r.Header.Get("Stripe-Account"); account != "" {
		e := invalid("The provided key '%s' does not have access to account '%s' (or that account does not exist). Application access may have been revoked.",
			maskedKey(apiKey(r)), shortened(account)).with("account_invalid", "")
		e.status = http.StatusForbidden
		return e
	}
	return nil
}

// apiKey is the secret key of a request: a bearer token, or the user name of basic
// authentication.
func apiKey(r *http.Request) string {
	key, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer {
		key, _, _ = r.BasicAuth()
	}
	return key
}

func (s *Sandbox) authenticate(r *http.Request) *apiError {
	key := apiKey(r)
	if key == "" {
		return &apiError{status: http.StatusUnauthorized, kind: typeInvalid, noLog: true, message: "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details, or we can help at https://support.stripe.com/."}
	}
	if slices.Contains(s.keys, key) {
		return nil
	}
	return invalidKey(key)
}

// readValues merges the query and the form.
func readValues(r *http.Request) (url.Values, *apiError) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, invalid("Invalid query string")
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil {
		return nil, invalid("The request body could not be read, or is larger than %d bytes", maxBody)
	}
	if len(body) == 0 {
		return values, nil
	}
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if mediaType != "application/x-www-form-urlencoded" {
		return nil, invalid("Invalid request (check that your POST content type is application/x-www-form-urlencoded). If you have any questions, we can help at https://support.stripe.com/.")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, invalid("Invalid form body")
	}
	for name, v := range form {
		values[name] = append(values[name], v...)
	}
	return values, nil
}

func (s *Sandbox) count(route string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests[route]++
}

// failure renders an error.
func (s *Sandbox) failure(e *apiError, requestID string) answer {
	if e.notEmulated {
		s.log.Warn("not emulated", slog.String("param", e.param))
	}
	intent, _ := e.intent["id"].(string)
	logURL := ""
	if !e.noLog {
		logURL = "https://dashboard.stripe.com/test/logs/" + requestID + "?t=" + strconv.FormatInt(s.now(), 10)
	}
	return answer{status: e.status, body: encode(e.render(logURL)), header: e.header.Clone(),
		gist: gist{Object: intent, Code: e.code, DeclineCode: e.declineCode}}
}

// encode renders a body, with & < and > as they are, as Stripe does. Objects are
// built of maps, slices, strings, numbers and booleans, which always encode.
func encode(body object) []byte {
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(body); err != nil {
		panic(fmt.Sprintf("sandbox: encode answer: %v", err))
	}
	return encoded.Bytes()
}

// findRoute returns the route of a path and the ids in it.
func findRoute(method, p string) (r *route, id, sub string) {
	segments := strings.Split(strings.TrimPrefix(p, "/"), "/")
	if slices.Contains(segments, "") {
		return nil, "", ""
	}
	segments = append(segments, "", "", "", "")
	id, sub = segments[2], segments[4]
	for i := range routes {
		// search is a method of Stripe's in the place of an id.
		if ok, _ := path.Match(routes[i].pattern, p); ok && routes[i].method == method && id != "search" {
			return &routes[i], id, sub
		}
	}
	return nil, "", ""
}
