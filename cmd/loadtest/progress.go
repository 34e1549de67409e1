package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// progress tells how a run goes: in one line that is rewritten on a terminal, in a
// line every few seconds elsewhere.
type progress struct {
	out      io.Writer
	rec      *recorder
	duration time.Duration
	most     int // journeys in flight
	before   string
	after    string
	told     int64 // dropped journeys
	done     chan struct{}
	over     sync.WaitGroup
}

// The times between two lines.
const (
	rewritePause = 250 * time.Millisecond
	linePause    = 5 * time.Second
)

func startProgress(out io.Writer, rec *recorder, duration time.Duration, most int) *progress {
	p := &progress{out: out, rec: rec, duration: duration, most: most, after: "\n", done: make(chan struct{})}
	pause := linePause
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) { // #nosec G115 -- a descriptor is a small number
		p.before, p.after, pause = "\r\x1b[K", "", rewritePause
	}
	p.over.Go(func() {
		ticker := time.NewTicker(pause)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				p.say()
			case <-p.done:
				return
			}
		}
	})
	return p
}

// stop ends it, with a last line.
func (p *progress) stop() {
	close(p.done)
	p.over.Wait()
	p.after = "\n"
	p.say()
}

func (p *progress) say() {
	p.rec.mu.Lock()
	r := p.rec
	elapsed := max(time.Since(r.start), time.Millisecond)
	underWay := r.arrived - r.completed - r.failed - r.dropped
	line := fmt.Sprintf("%.0f of %.0f s  %.1f requests/s  p50 %s ms  p99 %s ms  %d under way  %d errors  %d limited",
		min(elapsed, p.duration).Seconds(), p.duration.Seconds(), float64(r.all.count)/elapsed.Seconds(),
		short(ms(r.all.response.ValueAtQuantile(50))), short(ms(r.all.response.ValueAtQuantile(99))),
		underWay, r.all.errors, r.all.limited)
	dropped := r.dropped
	p.rec.mu.Unlock()
	if dropped > 0 && p.told == 0 {
		fmt.Fprintf(p.out, "%sDROPPING journeys: %d are under way, and there is room for no more (--max-in-flight)\n", p.before, p.most)
	}
	if p.told = dropped; dropped > 0 {
		line += fmt.Sprintf("  %d DROPPED", dropped)
	}
	fmt.Fprint(p.out, p.before, line, p.after)
}
