package browser_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/nestpayments/nestpayments/cmd/nestdev/nestdevtest"
)

func TestDocs(t *testing.T) {
	t.Parallel()
	b := startBrowser(t)
	dev := nestdevtest.Start(t, nestdevtest.Build(t))
	for name, test := range map[string]func(*testing.T, browser, *nestdevtest.System){
		"pay from the page": payFromDocs,
		"the webhook":       readAboutWebhook,
		"samples of code":   readSamples,
		"on a phone":        readOnPhone,
		"in the dark":       readInTheDark,
	} {
		t.Run(name, func(t *testing.T) { test(t, b, dev) })
	}
}

// payFromDocs: somebody who has nothing but the docs page and a keyboard logs in,
// makes a payment and is charged for it.
func payFromDocs(t *testing.T, b browser, dev *nestdevtest.System) {
	p := openDocs(t, b, dev)

	// The page fills in the token of a login.
	var grant struct {
		AccessToken string `json:"access_token"`
	}
	p.try("user/POST/user/login", fmt.Sprintf(`{"email":%q,"password":%q}`, dev.AdminEmail, dev.AdminPassword), &grant)

	var payment struct{ ID, Status string }
	p.try("payment/POST/payment", `{"cuid":"from-the-docs"}`, &payment)
	if payment.Status != "requires_payment_method" {
		t.Errorf("the page shows the new payment as %q, want requires_payment_method", payment.Status)
	}
	p.try("payment/POST/payment/confirm",
		fmt.Sprintf(`{"cuid":"from-the-docs","paymentId":%q,"paymentMethodId":"pm_card_visa"}`, payment.ID), &payment)
	if payment.Status != "succeeded" {
		t.Errorf("the page shows the confirmed payment as %q, want succeeded", payment.Status)
	}
	var list []struct{ ID string }
	p.try("payment/GET/payment", "", &list) // as the page offers it, without a cursor
	if len(list) != 1 || list[0].ID != payment.ID {
		t.Errorf("the page lists %v, want %s", list, payment.ID)
	}
	var journal struct {
		Charges []struct {
			Intent string `json:"payment_intent"`
			Status string
		}
	}
	get(t, dev.Sandbox+"/_sandbox/journal", &journal)
	if c := journal.Charges; len(c) != 1 || c[0].Intent != payment.ID || c[0].Status != "succeeded" {
		t.Errorf("the sandbox has charged %+v, want one success for %s", c, payment.ID)
	}
}

// Only Stripe can sign an event, so the page does not offer to send one.
func readAboutWebhook(t *testing.T, b browser, dev *nestdevtest.System) {
	p := openDocs(t, b, dev)
	p.goTo("webhook/POST/webhook/stripe")
	if eval[bool](p.tab, fmt.Sprintf("[...%s.querySelectorAll('button')].some(b => b.innerText.startsWith('Test Request') && b.%s)",
		section("webhook/POST/webhook/stripe"), visible)) {
		t.Error("the webhook has a Test Request")
	}
}

func readSamples(t *testing.T, b browser, dev *nestdevtest.System) {
	p := openDocs(t, b, dev, chromedp.EmulateViewport(1280, 800))
	p.goTo("payment/POST/payment")
	eval[bool](p.tab, "document.activeElement.blur() || true") // a picture without the frame of the focus
	p.picture("docs.png")
	host := strings.TrimPrefix(dev.URL, "http://")
	for _, c := range []struct{ client, sample string }{
		{"Shell", "curl http://" + host + "/payment"},
		{"Python", `http.client.HTTPConnection("` + host + `")`},
		{"Node.js", "request('http://" + host + "/payment'"},
	} {
		p.press(element("[role=tab]", c.client))
		p.await("a sample for "+c.client, fmt.Sprintf(`%s.innerText.includes(%q)`, section("payment/POST/payment"), c.sample))
	}
}

func readOnPhone(t *testing.T, b browser, dev *nestdevtest.System) {
	p := openDocs(t, b, dev, chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile, chromedp.EmulateTouch))
	p.goTo("payment/POST/payment/confirm")
	if over := eval[int](p.tab, "document.documentElement.scrollWidth - window.innerWidth"); over > 0 {
		t.Errorf("the page is %d pixels wider than the phone", over)
	}
	p.press(element("button", "Open Menu"))
	p.await("the menu", element("button", "Close Menu"))
}

func readInTheDark(t *testing.T, b browser, dev *nestdevtest.System) {
	const background = "parseInt(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])"
	p := openDocs(t, b, dev)
	if light := eval[int](p.tab, background); light < 200 {
		t.Errorf("the page has a background of %d, want a light one", light)
	}
	p = openDocs(t, b, dev, prefer("dark"))
	if dark := eval[int](p.tab, background); dark > 50 {
		t.Errorf("for somebody who prefers the dark the page has a background of %d", dark)
	}
}

// docs is the docs page in a tab.
type docs struct{ *tab }

func openDocs(t *testing.T, b browser, dev *nestdevtest.System, before ...chromedp.Action[chromedp.Void]) docs {
	t.Helper()
	// Zod, which is part of Scalar's script, tries once whether it may use eval, and
	// goes on without.
	p := docs{b.open(t, "stopped by policy: script-src eval")}
	p.do("open the docs", append(before, chromedp.Navigate(dev.URL+"/docs"))...)
	p.await("the spec", element("h1", "Nest Payments"))
	return p
}

// prefer tells pages that their reader prefers the colour scheme.
func prefer(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	})
}

// section is the part of the page about an operation, which is named by its tag,
// method and path.
func section(operation string) string {
	return fmt.Sprintf("document.getElementById('api-1/tag/%s')", operation)
}

// goTo follows a link to an operation.
func (p docs) goTo(operation string) {
	p.t.Helper()
	eval[string](p.tab, fmt.Sprintf("location.hash = '#tag/%s'", operation))
	p.await("the operation", fmt.Sprintf("%s?.querySelector('button')", section(operation)))
}

// try sends a request from the page and reads the response that the page then
// shows. An empty body leaves the request as the page offers it.
func (p docs) try(operation, body string, answer any) {
	p.t.Helper()
	p.goTo(operation)
	p.press(fmt.Sprintf("[...%s.querySelectorAll('button')].find(b => b.innerText.startsWith('Test Request'))", section(operation)))
	const dialog = `document.querySelector('[role=dialog][aria-label="API Client"]')`
	const response = dialog + `?.querySelector('[aria-label="Response"]')`
	p.await("the client without an answer", fmt.Sprintf(`%s && !%[1]s.querySelector('.cm-content')`, response))
	status := "200 OK"
	if body != "" {
		status = "201 Created"
		p.write(dialog+`?.querySelector('[aria-label^="Request:"] .cm-content')`, body)
	}
	p.press(fmt.Sprintf(`[...%s.querySelectorAll('button')].find(b => b.innerText.startsWith('Send\n'))`, dialog))
	p.await("an answer", fmt.Sprintf(`%s.innerText.includes(%q) && %[1]s.querySelector('.cm-content')`, response, status))
	shown := eval[string](p.tab, response+".querySelector('.cm-content').innerText")
	if err := json.Unmarshal([]byte(shown), answer); err != nil {
		p.t.Fatalf("%s shows %s: %v", operation, strings.TrimSpace(shown), err)
	}
	p.do("close the client", chromedp.KeyEvent(kb.Escape))
	p.await("the page without the client", fmt.Sprintf("!%s?.%s", dialog, visible))
}
