package sandbox_test

import (
	"bufio"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// What the pages load is there, with a type that a browser takes under nosniff.
func TestDashboardAssets(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	loads := regexp.MustCompile(`(?:src|<link [^>]*href)="([^"]+)"`).FindAllStringSubmatch(b.page(""), -1)
	types := map[string]string{".css": "css", ".js": "javascript", ".svg": "svg"}
	if len(loads) != 4 {
		t.Fatalf("the page loads %v, want an icon, a style sheet and two scripts", loads)
	}
	for _, load := range loads {
		response, _ := b.browse("GET", load[1], nil, nil)
		want := types[filepath.Ext(load[1])]
		if got := response.Header.Get("Content-Type"); response.StatusCode != 200 || !strings.Contains(got, want) {
			t.Errorf("%s: got %d %q, want 200 and %s", load[1], response.StatusCode, got, want)
		}
	}
}

func TestBrowsersAreLedToTheDashboard(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	for _, path := range []string{"/", "/_sandbox"} {
		if response, _ := b.browse("GET", path, nil, nil); response.StatusCode != 303 || response.Header.Get("Location") != "/_sandbox/" {
			t.Errorf("GET %s: got %d to %q, want 303 to /_sandbox/", path, response.StatusCode, response.Header.Get("Location"))
		}
	}
	if status, _, _ := b.raw("GET", "/", nil, map[string]string{"Accept": "text/html"}); status != 404 {
		t.Errorf("GET / with a key: got %d, want Stripe's 404", status)
	}
	if response, _ := b.browse("GET", "/", nil, http.Header{"Accept": {"*/*"}}); response.StatusCode != 401 {
		t.Errorf("GET / by a program without a key: got %d, want Stripe's 401", response.StatusCode)
	}
	in := b.intentIn("requires_action")
	if response, _ := b.browse("GET", "/favicon.ico", nil, nil); response.StatusCode != 303 || response.Header.Get("Location") != "/_sandbox/dashboard/assets/icon.svg" {
		t.Errorf("GET /favicon.ico: got %d to %q, want 303 to the icon", response.StatusCode, response.Header.Get("Location"))
	}
	if response, _ := b.browse("GET", "/_sandbox/payment_intents/"+in.ID+"/challenge", nil, nil); response.Header.Get("Location") != "/_sandbox/payments/"+in.ID {
		t.Errorf("the place of the challenge leads to %q, want the payment's page", response.Header.Get("Location"))
	}
}

// Browsers ask every server for files of their own. Such a request is no call of
// Stripe's API.
func TestRequestsThatBrowsersSendOnTheirOwnAreNotShown(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	b.broken = true
	for _, path := range []string{"/favicon.ico", "/apple-touch-icon.png", "/robots.txt", "/.well-known/appspecific/com.chrome.devtools.json"} {
		b.browse("GET", path, nil, http.Header{"Accept": {"image/*,*/*"}})
		b.browse("HEAD", path, nil, nil)
	}
	wantText(t, "the requests", text(b.page("requests")), "No requests since the start.")
	if got := b.sandbox.Requests(); len(got) != 0 {
		t.Errorf("got %v, want no calls counted", got)
	}
	// A program that lacks the key, or the /v1, is shown.
	b.browse("GET", "/v1/customers", nil, nil)
	b.raw("GET", "/customers", nil, nil)
	wantText(t, "the requests", text(b.page("requests")), "GET /customers 404", "GET /v1/customers 401")
}

// An open page is told at once that it is open, whenever something happens, and
// nothing more once the sandbox is closed.
func TestDashboardTellsOfChanges(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+"/_sandbox/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got := response.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Fatalf("got %q, want text/event-stream", got)
	}
	lines := make(chan string)
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(response.Body)
		for scanner.Scan() {
			if scanner.Text() != "" {
				lines <- scanner.Text()
			}
		}
	}()
	next := func(what string) {
		t.Helper()
		select {
		case line := <-lines:
			if line != "data: changed" {
				t.Fatalf("%s: got %q, want data: changed", what, line)
			}
		case <-time.After(15 * time.Second):
			t.Fatalf("%s: nothing was told", what)
		}
	}
	next("opening")
	b.newIntent()
	next("a payment")
	b.submit("failures", url.Values{"kind": {"rate_limit"}, "match": {"GET /v1/events"}})
	next("a fault")
	b.submit("failures/disarm", url.Values{"fault": {"all"}})
	next("no fault")
	if err := b.sandbox.Close(); err != nil {
		t.Fatal(err)
	}
	for end := time.After(15 * time.Second); ; {
		select {
		case line, more := <-lines:
			if !more {
				return
			}
			if line != "data: changed" {
				t.Errorf("after Close: got %q, want the end", line)
			}
		case <-end:
			t.Fatal("the page is still told after Close")
		}
	}
}
