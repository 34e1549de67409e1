// Package browser_test opens what nestdev shows to people in a real browser.
//
// A test starts nestdev (nestdevtest) and Chromium (startBrowser), opens tabs
// (open) and works in them as a person would: it clicks, types, and waits until
// the page shows something. A tab fails its test, at the end, for every request
// to another machine, every error on the console, every exception and everything
// that a Content-Security-Policy stopped.
//
// Chromium is not part of Go: where there is none the tests are skipped, and in
// continuous integration they fail.
package browser_test

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// patience is how long a page may take for one step, on a machine that is busy
// with other things. A page that works takes a hundredth of it.
const patience = 60 * time.Second

// browser is a Chromium that has no network but loopback.
type browser struct{ ctx context.Context }

// startBrowser starts Chromium, to be ended with the test.
func startBrowser(t *testing.T) browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal("there is no chromium here, and continuous integration must not go without it: apt-get install chromium")
	}
	if err != nil {
		t.Skip("there is no chromium on this machine; Debian has it as a package of that name")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		// No name has an address here, and no other machine has a number.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
		chromedp.Flag("disable-component-update", true),
		chromedp.WindowSize(1440, 900),
	)
	allocator, free := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	t.Cleanup(free)
	ctx, end := chromedp.NewContext(allocator)
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return browser{ctx}
}

// tab is a tab of the browser with cookies and storage of its own.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu     sync.Mutex
	faults []string
}

// open opens a tab, to be closed and judged with the test. Faults that contain
// one of the texts in expected are none.
func (b browser) open(t *testing.T, expected ...string) *tab {
	t.Helper()
	p := &tab{t: t}
	ctx, end := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(p.watch))
	p.ctx = ctx
	t.Cleanup(func() {
		if t.Failed() {
			p.tell()
		}
		end()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, fault := range p.faults {
			if !containsAny(fault, expected) {
				t.Error(fault)
			}
		}
	})
	// The tab lives as long as the context of its first run.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	p.do("listen for what policies stop", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: tellViolations})
		return err
	}))
	return p
}

// tellViolations makes an error on the console of whatever a
// Content-Security-Policy stops: of some of it Chromium says nothing there.
const tellViolations = `document.addEventListener('securitypolicyviolation',
	e => console.error('stopped by policy:', e.violatedDirective, e.blockedURI))`

// watch sees every event of the tab.
func (p *tab) watch(event any) {
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		p.contact(e.Request.URL)
	case *network.EventWebSocketCreated:
		p.contact(e.URL)
	case *network.EventWebTransportCreated:
		p.contact(e.URL)
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		p.fault("exception: %s", text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeAssert {
			p.fault("console: %s", arguments(e.Args))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			p.fault("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	}
}

// contact notes a request unless it stays on this machine.
func (p *tab) contact(address string) {
	u, err := url.Parse(address)
	if err == nil && (u.Scheme == "data" || u.Scheme == "blob" || u.Scheme == "about") {
		return
	}
	if err == nil && (u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()) {
		return
	}
	p.fault("request to another machine: %s", address)
}

func (p *tab) fault(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, fmt.Sprintf(format, args...))
}

// do carries out actions, and ends the test with what it was about to do if one
// fails.
func (p *tab) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.t.Fatalf("%s: %v", what, err)
	}
}

// eval is the value of a JavaScript expression in the page.
func eval[T any](p *tab, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// await waits until a JavaScript expression is true in the page.
func (p *tab) await(what, expression string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	for {
		is, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		if is {
			return
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			p.t.Fatalf("%s: timed out waiting for %s (%v)", what, expression, err)
		}
	}
}

// visible is the JavaScript that asks an element whether anybody can see it.
const visible = "checkVisibility({ checkOpacity: true, checkVisibilityCSS: true })"

// element is the JavaScript expression of the first visible element that the CSS
// selector finds and that shows exactly this text.
func element(css, text string) string {
	return fmt.Sprintf("[...document.querySelectorAll(%q)].find(e => e.%s && e.innerText.trim() === %q)", css, visible, text)
}

// focus waits for the element that a JavaScript expression finds, and puts the
// focus on it. Elements that no keyboard reaches fail the test: those out of the
// order of Tab, unless they are editors, or tabs, which have the arrow keys.
func (p *tab) focus(expression string) {
	p.t.Helper()
	p.await("focus", fmt.Sprintf("(e => e && (e.tabIndex >= 0 || e.isContentEditable || e.role === 'tab') && "+
		"(e.focus(), document.activeElement === e))(%s)", expression))
}

// press focuses on a button or a link and presses Enter. Pages move while they
// load; keys, unlike the mouse, find their element all the same.
func (p *tab) press(expression string) {
	p.t.Helper()
	p.focus(expression)
	p.do("press "+expression, chromedp.KeyEvent(kb.Enter))
}

// write replaces what an input or an editor holds, as somebody who pastes does.
func (p *tab) write(expression, text string) {
	p.t.Helper()
	p.focus(expression)
	p.do("write into "+expression, chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)),
		chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, input.InsertText, input.InsertTextParams{Text: text})
			return err
		}))
}

// pictures is set to write the pictures of the README.
var pictures = flag.Bool("pictures", false, "write the pictures in testdata")

// picture writes what the tab shows as testdata/NAME, if that was asked for.
func (p *tab) picture(name string) {
	p.t.Helper()
	if !*pictures {
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join("testdata", name), png, 0o644)
	}
	if err != nil {
		p.t.Fatalf("picture: %v", err)
	}
}

// tell logs the text of the page, and leaves a picture of it where go test
// -artifacts keeps such things.
func (p *tab) tell() {
	ctx, cancel := context.WithTimeout(p.ctx, 10*time.Second)
	defer cancel()
	if text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("location.href + '\\n' + document.body.innerText.slice(0, 2000)")); err == nil {
		p.t.Logf("the page is %s", text)
	}
	if png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot()); err == nil {
		path := filepath.Join(p.t.ArtifactDir(), "page.png")
		p.t.Logf("its picture: %s: %v", path, os.WriteFile(path, png, 0o600))
	}
}

// arguments renders what was given to console.error.
func arguments(args []*runtime.RemoteObject) string {
	var words []string
	for _, a := range args {
		if a.Description != "" {
			words = append(words, a.Description)
		} else {
			words = append(words, strings.Trim(string(a.Value), `"`))
		}
	}
	return strings.Join(words, " ")
}

func containsAny(s string, parts []string) bool {
	for _, part := range parts {
		if strings.Contains(s, part) {
			return true
		}
	}
	return false
}
