package browser_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/nestpayments/nestpayments/cmd/nestdev/nestdevtest"
)

// A developer watches Stripe's side of a few payments on the sandbox's dashboard,
// plays customer and bank by keyboard, and lets things go wrong.
func TestDashboard(t *testing.T) {
	t.Parallel()
	b := startBrowser(t)
	dev := nestdevtest.Start(t, nestdevtest.Build(t))
	buyer := newBuyer(t, dev)
	p := dashboard{b.open(t)}

	p.do("open the sandbox", chromedp.Navigate(dev.Sandbox+"/"))
	if got, want := eval[string](p.tab, "location.pathname"), "/_sandbox/"; got != want {
		t.Errorf("the sandbox's address leads to %s, want %s", got, want)
	}
	p.awaitLive()
	eval[bool](p.tab, "window.stayed = true")

	passed := buyer.pay("passed")
	p.awaitRow(passed, "requires action")
	p.tabTo("pass-" + passed)
	p.do("pass the challenge", chromedp.KeyEvent(kb.Enter))
	p.awaitRow(passed, "succeeded")
	p.await("the focus to stay where the button was", fmt.Sprintf("document.activeElement.closest('#row-%s')", passed))
	buyer.await(passed, "succeeded")

	failed := buyer.pay("failed")
	p.awaitRow(failed, "requires action")
	p.tabTo("fail-" + failed)
	p.do("fail the challenge", chromedp.KeyEvent(kb.Enter))
	p.awaitRow(failed, "payment_intent_authentication_failure")
	buyer.await(failed, "requires_payment_method")
	if !eval[bool](p.tab, "window.stayed === true") {
		t.Error("the page was loaded again, want it changed in place")
	}

	p.press("document.querySelector('nav a[href$=failures]')")
	p.awaitLive()
	p.write("document.querySelector('#switch-webhook_drop input[name=times]')", "3")
	p.press("document.getElementById('on-webhook_drop')")
	p.await("the failure to be on", "document.getElementById('armed').innerText.includes('Dropped')")
	dropped := buyer.pay("dropped")
	p.do("open the payment", chromedp.Navigate(dev.Sandbox+"/_sandbox/payments/"+dropped))
	p.awaitLive()
	p.press("document.getElementById('pass-" + dropped + "')")
	p.await("it to succeed", "document.getElementById('summary').innerText.includes('succeeded')")
	undelivered := "[...document.querySelectorAll('#events tr')].find(r => r.innerText.includes('payment_intent.succeeded'))"
	p.await("an event that was not delivered", undelivered+"?.innerText.includes('dropped')")
	p.await("the failures to be used up", "document.getElementById('armed').innerText === ''")
	p.press(undelivered + "?.querySelector('button[id^=send-]')")
	p.await("the event to be delivered", undelivered+"?.innerText.includes('answered 204')")
	buyer.await(dropped, "succeeded")

	p.do("open the failures", chromedp.Navigate(dev.Sandbox+"/_sandbox/failures"))
	p.awaitLive()
	p.press("document.getElementById('on-lost_reply')")
	p.await("the failure to be on", "document.getElementById('armed').innerText.includes('Reply lost')")
	waiting := buyer.pay("waiting")
	p.do("open the overview", chromedp.EmulateViewport(1200, 760), chromedp.Navigate(dev.Sandbox+"/_sandbox/"))
	p.awaitLive()
	p.awaitRow(waiting, "requires action")
	requests := "document.getElementById('requests').innerText"
	p.await("the reply that was lost and the one that was replayed", requests+".includes('Reply lost') && "+requests+".includes('replayed')")
	p.picture("dashboard.png")

	p.do("open the failures", chromedp.Navigate(dev.Sandbox+"/_sandbox/failures"))
	p.awaitLive()
	p.press("document.getElementById('on-html_502')")
	p.await("the failure to be on", "document.querySelector('#switch-html_502 .on').innerText.includes('1 more time')")
	if got, want := len(faultsOf(t, dev)), 1; got != want {
		t.Errorf("the sandbox has %d faults armed, want %d", got, want)
	}
	p.press("document.querySelector('#switch-html_502 .on button')")
	p.await("the failure to be off", "document.querySelector('#switch-html_502 .on').innerText.trim() === '' && document.getElementById('armed').innerText === ''")
	if got, want := len(faultsOf(t, dev)), 0; got != want {
		t.Errorf("the sandbox has %d faults armed, want %d", got, want)
	}

	p.do("look at it on a phone", chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile))
	for _, page := range []string{"", "payments", "payments/" + failed, "charges", "customers", "events", "requests", "failures", "search?q=ada"} {
		p.do("open "+page, chromedp.Navigate(dev.Sandbox+"/_sandbox/"+page))
		p.awaitLive()
		if wide := eval[int](p.tab, "document.documentElement.scrollWidth"); wide > 360 {
			t.Errorf("/_sandbox/%s is %d pixels wide on a phone of 360", page, wide)
		}
	}
}

// A developer looks for a payment by its cuid, opens a request about it, reads what
// was sent and answered, and copies an id.
func TestDashboardSearch(t *testing.T) {
	t.Parallel()
	b := startBrowser(t)
	dev := nestdevtest.Start(t, nestdevtest.Build(t))
	paid := newBuyer(t, dev).pay("cart-42")
	p := dashboard{b.open(t)}
	p.do("open the sandbox", chromedp.Navigate(dev.Sandbox+"/_sandbox/"))
	p.awaitLive()
	p.write("document.getElementById('search')", "CART-42")
	p.do("search", chromedp.KeyEvent(kb.Enter))
	p.awaitRow(paid, "20.00 USD")
	p.awaitLive()
	p.press("document.querySelector('#row-" + paid + " a')")
	p.press("[...document.querySelectorAll('#requests a')].find(a => a.innerText.endsWith('/confirm'))")
	p.await("the parameters", "document.getElementById('params')?.innerText.includes('pm_card_threeDSecure2Required')")
	p.await("the response", "document.getElementById('json')?.innerText.includes('\"status\": \"requires_action\"')")
	p.awaitLive()
	id := eval[string](p.tab, "location.pathname.split('/').pop()")
	p.press("document.querySelector(`[data-copy='" + id + "']`)")
	p.await("the message that it was copied", "document.getElementById('copied').innerText === 'Copied "+id+"'")
	p.do("paste it", chromedp.Navigate(dev.Sandbox+"/_sandbox/"))
	p.awaitLive()
	p.focus("document.getElementById('search')")
	p.do("paste it", paste())
	p.await("the id in the search field", "document.getElementById('search').value === '"+id+"'")

	p.do("open the failures on a phone", chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile), chromedp.Navigate(dev.Sandbox+"/_sandbox/failures"))
	p.awaitLive()
	const nav = "document.getElementById('nav')"
	if !eval[bool](p.tab, nav+".scrollWidth > "+nav+".clientWidth && "+nav+".clientHeight < 60") {
		t.Error("the navigation of a phone has several lines, want one that scrolls")
	}
	p.await("the navigation to show the present page", "(r => r.left >= 0 && r.right <= innerWidth)(document.querySelector('nav [aria-current]').getBoundingClientRect())")
}

// paste puts what is on the clipboard into the element with the focus.
func paste() chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, input.DispatchKeyEvent, input.DispatchKeyEventParams{
			Type: input.DispatchKeyEventTypeKeyDown, Key: "v", Modifiers: int64(kb.ModifierCtrl), Commands: []string{"paste"}})
		return err
	})
}

// dashboard is a page of the sandbox's in a tab.
type dashboard struct{ *tab }

// awaitLive waits until the page hears of what happens.
func (p dashboard) awaitLive() {
	p.t.Helper()
	p.await("the page to be live", "document.getElementById('live-state')?.innerText === 'Live'")
}

// awaitRow waits until the row of an object says this.
func (p dashboard) awaitRow(id, text string) {
	p.t.Helper()
	p.await(id+" to be shown with "+text, fmt.Sprintf("document.getElementById('row-%s')?.innerText.includes(%q)", id, text))
}

// tabTo goes to a button as somebody without a mouse does.
func (p dashboard) tabTo(id string) {
	p.t.Helper()
	for range 100 {
		p.do("go on", chromedp.KeyEvent(kb.Tab))
		if eval[string](p.tab, "document.activeElement.id") == id {
			return
		}
	}
	p.t.Fatalf("%s is not within a hundred tabs", id)
}

// faultsOf are those that are armed.
func faultsOf(t *testing.T, dev *nestdevtest.System) []any {
	t.Helper()
	var armed struct{ Faults []any }
	get(t, dev.Sandbox+"/_sandbox/faults", &armed)
	return armed.Faults
}

// buyer pays by the API.
type buyer struct {
	t     *testing.T
	url   string
	token string
}

func newBuyer(t *testing.T, dev *nestdevtest.System) *buyer {
	t.Helper()
	b := &buyer{t: t, url: dev.URL}
	var grant struct {
		AccessToken string `json:"access_token"`
	}
	b.call("POST", "/user/register", `{"userName":"Ada Lovelace","email":"ada@example.com","password":"correct horse"}`, 201, &grant)
	b.token = grant.AccessToken
	return b
}

// pay makes a payment with a card that asks for 3-D Secure.
func (b *buyer) pay(cuid string) string {
	b.t.Helper()
	var payment struct{ ID, Status string }
	b.call("POST", "/payment", fmt.Sprintf(`{"cuid":%q}`, cuid), 201, &payment)
	b.call("POST", "/payment/confirm", fmt.Sprintf(`{"cuid":%q,"paymentId":%q,"paymentMethodId":"pm_card_threeDSecure2Required"}`,
		cuid, payment.ID), 201, &payment)
	if payment.Status != "requires_action" {
		b.t.Fatalf("payment %s is %s, want requires_action", cuid, payment.Status)
	}
	return payment.ID
}

// await waits until the API has the payment in a status.
func (b *buyer) await(id, status string) {
	b.t.Helper()
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	var payment struct{ Status string }
	for deadline := time.Now().Add(patience); payment.Status != status; <-pause.C {
		if time.Now().After(deadline) {
			b.t.Fatalf("the API has payment %s in %s, want %s", id, payment.Status, status)
		}
		b.call("GET", "/payment/"+id, "", 200, &payment)
	}
}

func (b *buyer) call(method, path, body string, status int, into any) {
	b.t.Helper()
	if err := nestdevtest.Call(b.t.Context(), method, b.url+path, b.token, body, status, into); err != nil {
		b.t.Fatal(err)
	}
}

// get reads what an address answers into v.
func get(t *testing.T, address string, v any) {
	t.Helper()
	if err := nestdevtest.Call(t.Context(), http.MethodGet, address, "", "", http.StatusOK, v); err != nil {
		t.Fatal(err)
	}
}
