package main

import (
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows how far a long work is, at what rate, and how long it will
// take: as a bar on a terminal, elsewhere as a line every few seconds. It is for
// one goroutine.
type progress struct {
	out         output
	label       string
	done, total int64
	began, said time.Time
	bar         *progressbar.ProgressBar // nil where there is no terminal
}

// progressPause is the time between two lines.
const progressPause = 5 * time.Second

func newProgress(out output, label string, total int64) *progress {
	p := &progress{out: out, label: label, total: total, began: time.Now(), said: time.Now()}
	if file, ok := out.Writer.(*os.File); ok && term.IsTerminal(int(file.Fd())) { // #nosec G115 -- a descriptor is a small number
		p.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(out), progressbar.OptionSetDescription(label),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetPredictTime(true),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetWidth(30))
	}
	return p
}

// add tells that n more are done.
func (p *progress) add(n int) { p.set(p.done + int64(n)) }

// set tells how many are done. There may be more than were expected.
func (p *progress) set(done int64) {
	p.done, p.total = done, max(p.total, done)
	if p.bar != nil {
		if p.total != p.bar.GetMax64() {
			p.bar.ChangeMax64(p.total)
		}
		_ = p.bar.Set64(done) // a bar that cannot be drawn is no reason to stop
		return
	}
	if time.Since(p.said) >= progressPause {
		p.said = time.Now()
		p.say()
	}
}

// end tells that all is done.
func (p *progress) end() {
	p.total = p.done
	if p.bar != nil {
		p.set(p.done)
		fmt.Fprintln(p.out)
		return
	}
	p.say()
}

func (p *progress) say() {
	seconds := max(time.Since(p.began).Seconds(), 0.001)
	rate := float64(p.done) / seconds
	fmt.Fprintf(p.out, "%s: %d of %d, %.0f/s", p.label, p.done, p.total, rate)
	if left := p.total - p.done; left > 0 && rate > 0 {
		fmt.Fprintf(p.out, ", %s left", time.Duration(float64(left)/rate*float64(time.Second)).Round(time.Second))
	}
	fmt.Fprintln(p.out)
}
