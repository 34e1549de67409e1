package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// FuzzCalls makes up to eight calls on a fresh sandbox, one a line: a method, a
// path and a form. $1 is the id that the first call answered, and so on. Every
// body fits Stripe's schema, nothing is a 5xx, and no intent is charged twice.
func FuzzCalls(f *testing.F) {
	for _, script := range []string{
		"POST /v1/customers email=a@example.com&metadata[userId]=u\nPOST /v1/payment_intents amount=2000&currency=usd&customer=$1\nPOST /v1/payment_intents/$2/confirm payment_method=pm_card_visa&return_url=https://example.com\nGET /v1/payment_intents/$2?expand[]=latest_charge",
		"POST /v1/payment_intents amount=2000&currency=usd&payment_method=pm_card_visa&confirm=true&automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never\nPOST /v1/payment_intents/$1/confirm payment_method=pm_card_visa",
		"POST /v1/payment_intents amount=2000&currency=usd&capture_method=manual\nPOST /v1/payment_intents/$1/confirm payment_method=pm_card_visa&return_url=https://example.com\nPOST /v1/payment_intents/$1/capture amount_to_capture=100\nPOST /v1/payment_intents/$1/cancel",
		"GET /v1/payment_methods/pm_card_visa\nPOST /v1/customers\nPOST /v1/payment_methods/$1/attach customer=$2\nPOST /v1/payment_methods/$1/detach",
		"POST /v1/payment_intents amount=-1&currency=&metadata=&metadata[a[b]]=c&x[]=1\nGET /v1/payment_intents?limit=0&created[gte]=x\nGET /v1/events?types[]=a&ending_before=evt_1\nDELETE /v1/customers/cus_1",
		"POST /v1/payment_intents %zz=%&;=&[]=1&[=1&]=1&a[=1\nPATCH /v1/customers/../x\nGET /v1/\nGET /favicon.ico\nGET /\nGET /v1/charges?payment_intent=$1",
		"POST /_sandbox/faults {\"match\":\"* /*\",\"kind\":\"error_after\",\"probability\":2}\nGET /_sandbox/journal\nPOST /_sandbox/payment_intents/pi_1/challenge {\"outcome\":\"pass\"}",
	} {
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script string) {
		box, err := sandbox.New(sandbox.Config{SecretKeys: []string{testKey}})
		if err != nil {
			t.Fatal(err)
		}
		defer box.Close()
		var ids []string
		for i, line := range strings.SplitN(script, "\n", 9) {
			if i == 8 {
				break
			}
			for n, id := range ids {
				line = strings.ReplaceAll(line, fmt.Sprint("$", n+1), id)
			}
			if strings.Contains(line, "/_sandbox/faults") {
				continue // what is asked to fail fails
			}
			ids = append(ids, call(t, box, line))
		}
		paid := map[string]bool{}
		for _, c := range box.Charges() {
			if c.Status == "succeeded" && paid[c.Intent] {
				t.Errorf("intent %s is charged twice", c.Intent)
			}
			paid[c.Intent] = paid[c.Intent] || c.Status == "succeeded"
		}
	})
}

// call makes one call and returns the id of what was answered.
func call(t *testing.T, box *sandbox.Sandbox, line string) string {
	t.Helper()
	method, rest, _ := strings.Cut(line, " ")
	target, form, _ := strings.Cut(rest, " ")
	if u, err := url.ParseRequestURI(target); err != nil || u.Path == "" {
		return ""
	}
	r, err := http.NewRequest(method, "http://localhost"+target, strings.NewReader(form))
	if err != nil || r.Host != "localhost" {
		return ""
	}
	r.Header.Set("Authorization", "Bearer "+testKey)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	box.ServeHTTP(w, r)
	if w.Code >= 500 {
		t.Errorf("%s: status %d: %s", line, w.Code, w.Body)
	}
	if strings.HasPrefix(r.URL.Path, "/v1/") && r.Method != http.MethodHead {
		if err := checkBody(w.Code, w.Body.Bytes()); err != nil {
			t.Errorf("%s: the body does not fit Stripe's schema: %v\n%s", line, err, w.Body)
		}
	}
	var answered struct{ ID string }
	_ = json.Unmarshal(w.Body.Bytes(), &answered) // a list has none, nor has an error
	return answered.ID
}

// FuzzJournal starts a sandbox from any state file: it is refused, or taken, and
// then what was read is what is written and read the next time.
func FuzzJournal(f *testing.F) {
	path := filepath.Join(f.TempDir(), "state")
	box, err := sandbox.New(sandbox.Config{SecretKeys: []string{testKey}, StatePath: path})
	if err != nil {
		f.Fatal(err)
	}
	for _, body := range []string{
		"POST /v1/customers name=Ada",
		"POST /v1/payment_intents amount=2000&currency=usd&payment_method=pm_card_visa&confirm=true&return_url=https://example.com",
		"POST /v1/payment_intents amount=2000&currency=usd&payment_method=pm_card_chargeDeclined&confirm=true&return_url=https://example.com",
	} {
		method, rest, _ := strings.Cut(body, " ")
		target, form, _ := strings.Cut(rest, " ")
		r := httptest.NewRequest(method, "http://localhost"+target, strings.NewReader(form))
		r.Header.Set("Authorization", "Bearer "+testKey)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Idempotency-Key", target+form)
		box.ServeHTTP(httptest.NewRecorder(), r)
	}
	if err := box.Close(); err != nil {
		f.Fatal(err)
	}
	written, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{
		string(written), string(written[:len(written)/2]), "", "\n", "[]\n", "null\n", "{}\n[]\n", "[null]\n", `[{"table":"customers","id":"","row":null}]` + "\n",
		`[{"table":"nobody","id":"x","row":{}}]` + "\n[]\n", `[{"table":"payment_intents","id":"pi_1","row":{"Amount":1e99}}]` + "\n[]\n", "\x00\n\xff\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "state")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		first, ok := inspect(t, path)
		if !ok {
			return
		}
		if second, ok := inspect(t, path); !ok || second != first {
			t.Errorf("read\n%s\nand the next time, %t,\n%s", first, ok, second)
		}
	})
}

// inspect is everything in a state file, false if it is refused.
func inspect(t *testing.T, path string) (string, bool) {
	t.Helper()
	box, err := sandbox.New(sandbox.Config{SecretKeys: []string{testKey}, StatePath: path})
	if err != nil {
		return "", false
	}
	everything, err := json.Marshal([]any{box.Customers(), box.Intents(), box.Charges(), box.Events()})
	if err != nil {
		t.Fatal(err)
	}
	if err := box.Close(); err != nil {
		t.Fatal(err)
	}
	return string(everything), true
}
