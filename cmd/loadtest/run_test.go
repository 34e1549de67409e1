package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nestpayments/nestpayments/server"
)

// Every journey is right at the real server, each operation is asked for, and
// each payment is charged once, however often its client has tried.
func TestEveryJourneyPasses(t *testing.T) {
	t.Parallel()
	s := newSystem(t, nil, nil)
	o := s.loadtest(t.Context(), t, "--mix", "buyer=1,newcomer=1,reader=1,retrier=3,declined=1,owner=1")
	if o.err != nil {
		t.Fatalf("%v\n%s", o.err, o.stdout)
	}
	r := o.report
	if len(r.ByJourney) != 6 || len(r.ByOperation) != 10 || r.Journeys.Completed != 60 || len(o.files) != 5 {
		t.Errorf("%d kinds of journey, %d of request, %d completed, %d files; want 6, 10, 60 and 5:\n%s",
			len(r.ByJourney), len(r.ByOperation), r.Journeys.Completed, len(o.files), o.stdout)
	}
	paid := map[string]int{}
	for _, c := range s.box.Charges() {
		if c.Status == "succeeded" {
			paid[c.Intent]++
		}
	}
	for intent, n := range paid {
		if n != 1 {
			t.Errorf("payment %s was charged %d times", intent, n)
		}
	}
	var buyers int64
	for _, j := range r.ByJourney {
		if j.Name == "buyer" || j.Name == "newcomer" || j.Name == "retrier" {
			buyers += j.Count
		}
	}
	if want := buyers + 3*pageSize*(readPages-1); int64(len(paid)) != want {
		t.Errorf("%d payments were charged, want %d: those of buyers, and of the known users", len(paid), want)
	}
	s.wantNoSecrets(t, o)
}

// Each wrong answer makes a run fail, and is told by operation, status and code.
func TestWrongAnswersFailTheRun(t *testing.T) {
	t.Parallel()
	is := func(r *http.Request, method, prefix string) bool {
		return r.Method == method && strings.HasPrefix(r.URL.Path, prefix)
	}
	for _, tc := range []struct {
		name, journey string
		spoil         spoil
		want          errorRow
	}{
		{"another payment for the same cuid", "retrier", func(r *http.Request, status int, body string) (int, string) {
			if is(r, "POST", "/payment") && r.URL.Path == "/payment" && strings.Contains(body, statusSucceeded) {
				body = strings.ReplaceAll(body, `"pi_`, `"pi_other`)
			}
			return status, body
		}, errorRow{opCreate, 201, codeWrong, "another payment for the same cuid", 0}},
		{"a payment that did not succeed", "retrier", func(r *http.Request, status int, body string) (int, string) {
			if is(r, "GET", "/payment/") {
				body = strings.ReplaceAll(body, statusSucceeded, "processing")
			}
			return status, body
		}, errorRow{opPayment, 200, codeWrong, "not the status succeeded", 0}},
		{"another amount", "buyer", func(r *http.Request, status int, body string) (int, string) {
			if is(r, "GET", "/payment/") {
				body = strings.ReplaceAll(body, "2000", "2001")
			}
			return status, body
		}, errorRow{opPayment, 200, codeWrong, "not the payment's amount and currency", 0}},
		{"a list without the payment", "buyer", func(r *http.Request, status int, body string) (int, string) {
			if r.Method == "GET" && r.URL.Path == "/payment" {
				body = "[]"
			}
			return status, body
		}, errorRow{opPayments, 200, codeWrong, "the newest payment is not on the first page", 0}},
		{"a page twice", "reader", func(r *http.Request, status int, body string) (int, string) {
			if r.URL.Query().Has("cursor") {
				body = `[{"id":"pi_1"},{"id":"pi_1"}]`
			}
			return status, body
		}, errorRow{opPayments, 200, codeWrong, "a payment twice, or one without an id", 0}},
		{"a card that has funds after all", "declined", func(_ *http.Request, status int, body string) (int, string) {
			if status == http.StatusPaymentRequired {
				return http.StatusCreated, `{}`
			}
			return status, body
		}, errorRow{opConfirm, 201, codeUnreadable, "", 0}},
		{"another user", "reader", func(r *http.Request, status int, body string) (int, string) {
			if is(r, "GET", "/user/") {
				body = strings.ReplaceAll(body, "Load Test", "Somebody")
			}
			return status, body
		}, errorRow{opUser, 200, codeWrong, "not the user's name", 0}},
		{"a token that outlives its user", "owner", func(r *http.Request, status int, body string) (int, string) {
			if is(r, "GET", "/user/") && status == http.StatusUnauthorized {
				return http.StatusOK, "{}"
			}
			return status, body
		}, errorRow{opUser, 200, codeUnreadable, "", 0}},
		{"a problem", "reader", func(r *http.Request, status int, body string) (int, string) {
			if is(r, "GET", "/user/") {
				return http.StatusInternalServerError, `{"code":"internal","status":500}`
			}
			return status, body
		}, errorRow{opUser, 500, "internal", "", 0}},
		{"what is no JSON", "reader", func(r *http.Request, status int, body string) (int, string) {
			if is(r, "GET", "/user/") {
				body = "<html>"
			}
			return status, body
		}, errorRow{opUser, 0, codeUnreadable, "", 0}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, nil, tc.spoil)
			o := s.loadtest(t.Context(), t, "--mix", tc.journey+"=1", "--rate", "10", "--users", "1")
			if o.err == nil || o.report == nil || len(o.report.Errors) != 1 {
				t.Fatalf("got %v, want one kind of error:\n%s", o.err, o.stdout)
			}
			got := o.report.Errors[0]
			if got.Count = 0; got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
			if o.report.Passed || !strings.Contains(o.err.Error(), "wrong answer") {
				t.Errorf("the run passed: %v, and ends with %v", o.report.Passed, o.err)
			}
		})
	}
}

// Limits are told apart from errors, with the variable of the server to raise.
func TestLimitsAreToldByVariable(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, variable, journey string
		change                  func(*server.Config)
	}{
		// Making the user ready takes some 45 requests of the user's.
		{"requests", "REQUEST_LIMIT", "reader", func(c *server.Config) { c.RequestLimit = 60 }},
		{"sign-ups", "SIGN_UP_LIMIT", "newcomer", func(c *server.Config) { c.Throttle.SignUps = 4 }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, tc.change, nil)
			o := s.loadtest(t.Context(), t, "--mix", tc.journey+"=1", "--users", "1")
			if o.err == nil || o.report == nil {
				t.Fatalf("got %v, want a run that failed:\n%s", o.err, o.stdout)
			}
			if len(o.report.Errors) != 0 || len(o.report.Limited) == 0 || o.report.Requests.Limited == 0 {
				t.Errorf("%d kinds of error, %d limits; want limits alone", len(o.report.Errors), len(o.report.Limited))
			}
			for _, l := range o.report.Limited {
				if l.Variable != tc.variable || !strings.Contains(o.err.Error(), "raise "+tc.variable) {
					t.Errorf("got %+v and %v, want %s", l, o.err, tc.variable)
				}
			}
		})
	}
}

// A limit that is met before the measured time is told, too.
func TestLimitInPreparationIsTold(t *testing.T) {
	t.Parallel()
	s := newSystem(t, func(c *server.Config) { c.Throttle.SignUps = 2 }, nil)
	o := s.loadtest(t.Context(), t)
	if o.err == nil || !strings.Contains(o.err.Error(), "raise SIGN_UP_LIMIT") || o.report != nil {
		t.Errorf("got %v, want it to name SIGN_UP_LIMIT before anything is measured", o.err)
	}
}

// The known users of a file are registered once; a new server gets them anew.
func TestKnownUsersAreUsedAgain(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "users.json")
	s := newSystem(t, nil, nil)
	for i, want := range []struct{ registered, charged int }{{3, 60}, {3, 60}, {4, 80}} {
		users := "3"
		if i == 2 {
			users = "4" // one more than there are
		}
		if o := s.loadtest(t.Context(), t, "--users-file", file, "--mix", "reader=1", "--rate", "5", "--users", users); o.err != nil {
			t.Fatal(o.err)
		}
		if got := s.asked("POST /user/register"); got != want.registered {
			t.Errorf("%d users were registered after run %d, want %d", got, i+1, want.registered)
		}
		if got := len(s.box.Charges()); got != want.charged {
			t.Errorf("%d payments were charged after run %d, want %d", got, i+1, want.charged)
		}
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has the mode %v, %v; want it to be its owner's alone", info.Mode(), err)
	}
	if o := newSystem(t, nil, nil).loadtest(t.Context(), t, "--users-file", file, "--mix", "reader=1", "--rate", "5"); o.err != nil {
		t.Errorf("on another server: %v", o.err)
	}
	if err := os.WriteFile(file, []byte(`{}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if o := s.loadtest(t.Context(), t, "--users-file", file); o.err == nil || !strings.Contains(o.err.Error(), "delete it") {
		t.Errorf("a file of something else: got %v, want it to be refused", o.err)
	}
}

// A run that is interrupted says so, and what it has measured until then.
func TestInterruptedRunPrints(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	s := newSystem(t, nil, func(r *http.Request, status int, body string) (int, string) {
		if strings.HasPrefix(r.URL.Path, "/user/") && r.Method == "GET" { // the first that a reader asks for
			interrupt()
		}
		return status, body
	})
	o := s.loadtest(ctx, t, "--mix", "reader=1", "--duration", "1h")
	if o.err == nil || !strings.Contains(o.err.Error(), "interrupted") || o.report == nil {
		t.Fatalf("got %v, want an interrupted run with its report", o.err)
	}
	if o.report.Journeys.Completed == 0 || !strings.Contains(o.stdout, opUser) || o.report.Requests.Errors != 0 {
		t.Errorf("got %+v and\n%s\nwant the journeys that were under way", o.report.Journeys, o.stdout)
	}
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close()
	err := run(t.Context(), []string{"--url", srv.URL}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), codeRefused) {
		t.Errorf("got %v, want it to say %s", err, codeRefused)
	}
}
