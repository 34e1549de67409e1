package server_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
)

// wrongAnswers are what a server could get wrong, as a change of a right answer to
// a request.
var wrongAnswers = map[string]struct {
	request string
	status  int
	body    string
	spoil   func(*answer)
}{
	"a status that is not documented":      {readUser, 200, aUser, func(a *answer) { a.status = 202 }},
	"a failure that is not documented":     {readUser, 404, aProblem, func(a *answer) { a.status = 409 }},
	"a property that is not declared":      {readUser, 200, aUser, inBody(`"email"`, `"hash":"x","email"`)},
	"one in a list":                        {listUsers, 200, aList, inBody(`"email"`, `"hash":"x","email"`)},
	"one in a problem":                     {listUsers, 401, aProblem, inBody(`"code"`, `"stack":"x","code"`)},
	"a property of the wrong type":         {readUser, 200, aUser, inBody(`"Ada"`, `7`)},
	"null":                                 {readUser, 200, aUser, inBody(`"Ada"`, `null`)},
	"a number as text":                     {listUsers, 401, aProblem, inBody(`401`, `"401"`)},
	"a required property missing":          {readUser, 200, aUser, inBody(`"userName":"Ada",`, ``)},
	"a value against its pattern":          {readUser, 200, aUser, inBody(someID, strings.ToUpper(someID))},
	"a value against its format":           {readUser, 200, aUser, inBody(`ada@example.com`, `ada.example.com`)},
	"a value that is too long":             {readUser, 200, aUser, inBody(`Ada`, strings.Repeat("A", 101))},
	"a number out of bounds":               {listUsers, 401, aProblem, inBody(`401`, `200`)},
	"an object for a list":                 {listUsers, 200, aList, func(a *answer) { a.body = []byte(aUser) }},
	"a list for an object":                 {readUser, 200, aUser, func(a *answer) { a.body = []byte(aList) }},
	"a list that is too long":              {listUsers, 200, aList, inBody(`]`, strings.Repeat(","+aUser, 100)+`]`)},
	"no body":                              {readUser, 200, aUser, func(a *answer) { a.body = nil }},
	"a body that is no JSON":               {readUser, 200, aUser, inBody(`{`, ``)},
	"a problem as plain JSON":              {listUsers, 401, aProblem, header("Content-Type", "application/json")},
	"JSON as something else":               {readUser, 200, aUser, header("Content-Type", "text/html")},
	"no media type":                        {readUser, 200, aUser, header("Content-Type")},
	"a header that is not declared":        {readUser, 200, aUser, header("X-Powered-By", "Go")},
	"a header of other operations":         {readUser, 200, aUser, header("Location", "/user/"+someID)},
	"a header of other statuses":           {readUser, 200, aUser, header("Retry-After", "1")},
	"a required header missing":            {readUser, 200, aUser, header("X-Request-Id")},
	"the challenge of a 401 missing":       {listUsers, 401, aProblem, header("Www-Authenticate")},
	"the place of what was created":        {"POST /user", 201, aUser, header("Location")},
	"a header against its pattern":         {readUser, 200, aUser, header("X-Request-Id", "a b")},
	"a header that is too long":            {readUser, 200, aUser, header("X-Request-Id", strings.Repeat("a", 129))},
	"a header of the wrong type":           {logIn, 429, aProblem, header("Retry-After", "soon")},
	"a header out of bounds":               {logIn, 429, aProblem, header("Retry-After", "0")},
	"an optional header that is malformed": {listUsers, 200, aList, header("Link", "/user?cursor=2")},
}

const (
	someID    = "5f9f1c9b9c9c9c9c9c9c9c9c"
	readUser  = "GET /user/" + someID
	listUsers = "GET /user"
	logIn     = "POST /user/login"

	aUser    = `{"userId":"` + someID + `","userName":"Ada","email":"ada@example.com"}`
	aList    = "[" + aUser + "]"
	aProblem = `{"type":"https://example.com/a","title":"A","status":401,"detail":"B","instance":"req_1","code":"unauthenticated"}`
)

// right is the answer with this status and body, and the headers that the spec
// gives as examples.
func (c *contract) right(t *testing.T, line string, status int, body string) (*http.Request, answer) {
	t.Helper()
	method, path, _ := strings.Cut(line, " ")
	r, err := http.NewRequest(method, "http://localhost"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response := c.operation(r).Responses.Status(status).Value
	header := http.Header{}
	for name, h := range response.Headers {
		header.Set(name, fmt.Sprint(h.Value.Example))
	}
	for mediaType := range response.Content {
		header.Set("Content-Type", mediaType)
	}
	return r, answer{status, header, []byte(body)}
}

// inBody replaces a text of the body.
func inBody(old, new string) func(*answer) {
	return func(a *answer) { a.body = []byte(strings.Replace(string(a.body), old, new, 1)) }
}

// header sets a header, or takes it away.
func header(name string, values ...string) func(*answer) {
	return func(a *answer) {
		if a.header = maps.Clone(a.header); len(values) == 0 {
			delete(a.header, name)
		} else {
			a.header[name] = values
		}
	}
}

// Each validator takes the right answers and refuses every wrong one: neither is
// asleep.
func TestValidatorsRefuseWrongAnswers(t *testing.T) {
	t.Parallel()
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	for what, tc := range wrongAnswers {
		r, right := c.right(t, tc.request, tc.status, tc.body)
		wrong := right
		tc.spoil(&wrong)
		for name, v := range c.validators {
			if err := v.answer(r, right); err != nil {
				t.Errorf("%s: %s refuses the right answer: %v", what, name, err)
			}
			if v.answer(r, wrong) == nil {
				t.Errorf("%s: %s takes %d %v %s", what, name, wrong.status, wrong.header, wrong.body)
			}
		}
	}
}

// So does the check of answers to requests that the spec does not know.
func TestAnswersOutsideOfTheSpecAreChecked(t *testing.T) {
	t.Parallel()
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest("GET", "http://localhost/nope", nil)
	if err != nil {
		t.Fatal(err)
	}
	right := answer{404, http.Header{"Content-Type": {"application/problem+json"}, "X-Request-Id": {"req_1"}}, []byte(aProblem)}
	for name, v := range c.validators {
		if err := conformOutside(v, r, right); err != nil {
			t.Errorf("%s refuses the right answer: %v", name, err)
		}
		for what, spoil := range map[string]func(*answer){
			"no request id":                   header("X-Request-Id"),
			"a strange header":                header("X-Powered-By", "Go"),
			"Echo's own error":                header("Content-Type", "application/json"),
			"no problem":                      inBody(`"code"`, `"kind"`),
			"a property too many":             inBody(`"code"`, `"stack":"x","code"`),
			"an empty body":                   func(a *answer) { a.body = nil },
			"a property of the wrong type":    inBody(`401`, `"401"`),
			"a property against its pattern":  inBody(`unauthenticated`, `Un-Authenticated`),
			"a required property that is not": inBody(`"title":"A",`, ``),
		} {
			wrong := right
			spoil(&wrong)
			if conformOutside(v, r, wrong) == nil {
				t.Errorf("%s: %s takes %v %s", what, name, wrong.header, wrong.body)
			}
		}
	}
}

func TestUnguardedAnswersAreFound(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	for _, path := range []string{"/user", "/nope", "/livez", "/openapi.yaml"} {
		right := a.get(path, "")
		r, err := http.NewRequest("GET", a.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Content-Security-Policy", "Cache-Control"} {
			wrong := right
			header(name)(&wrong)
			if guarded(r, wrong) == nil && (name != "Cache-Control" || path != "/openapi.yaml") {
				t.Errorf("%s is let pass without %s", path, name)
			}
		}
	}
}
