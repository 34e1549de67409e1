package browser_test

import (
	"context"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/nestpayments/nestpayments/cmd/nestdev/nestdevtest"
)

var axeScript = flag.String("browser.axe", "", "the axe.min.js that checks the pages for accessibility; make browser-check sets it")

// The pages pass every rule of axe-core that applies to them, in light and dark.
func TestAccessibility(t *testing.T) {
	t.Parallel()
	if *axeScript == "" {
		t.Skip("no axe-core: run make browser-check")
	}
	script, err := os.ReadFile(*axeScript)
	if err != nil {
		t.Fatal(err)
	}
	b := startBrowser(t)
	dev := nestdevtest.Start(t, nestdevtest.Build(t))
	paid := newBuyer(t, dev).pay("accessible")
	sandbox := dev.Sandbox + "/_sandbox/"
	for name, url := range map[string]string{
		"docs":             dev.URL + "/docs",
		"dashboard":        sandbox,
		"failures":         sandbox + "failures",
		"a payment":        sandbox + "payments/" + paid,
		"a request":        newestRequest(t, b, dev),
		"a search":         sandbox + "search?q=accessible",
		"a filtered list":  sandbox + "payments?status=requires_action&customer=ada",
		"list of charges":  sandbox + "charges",
		"list of events":   sandbox + "events",
		"list of requests": sandbox + "requests",
	} {
		for _, scheme := range []string{"light", "dark"} {
			t.Run(name+"/"+scheme, func(t *testing.T) {
				p := b.open(t, "stopped by policy: script-src eval")
				p.do("open the page", prefer(scheme), bypassPolicy(), chromedp.Navigate(url))
				p.await("the page", "document.querySelector('h1')")
				eval[bool](p, string(script)+";"+axeRun+";true")
				p.await("axe", "window.axeFound")
				if found := eval[[]string](p, "axeFound"); len(found) > 0 {
					t.Errorf("axe: %s", strings.Join(found, "\n"))
				}
			})
		}
	}
}

// newestRequest is the address of the page of the newest call that confirmed a
// payment.
func newestRequest(t *testing.T, b browser, dev *nestdevtest.System) string {
	t.Helper()
	p := b.open(t)
	p.do("open the requests", chromedp.Navigate(dev.Sandbox+"/_sandbox/requests"))
	const row = `[...document.querySelectorAll('td a')].find(a => a.innerText.endsWith('/confirm'))`
	p.await("a confirmation", row)
	return eval[string](p, row+".href")
}

// axeRun collects a line for each violation: rule, help and the first element.
const axeRun = `axe.run().then(r => window.axeFound = r.violations.map(v => v.id + ': ' + v.help + ': ' + v.nodes[0].html))`

// bypassPolicy lets axe run in pages that forbid foreign scripts.
func bypassPolicy() chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, page.SetBypassCSP, page.SetBypassCSPParams{Enabled: true})
		return err
	})
}
