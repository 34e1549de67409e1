package main

import (
	"encoding/xml"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// chart is a plot of lines, drawn as SVG. We draw it ourselves: the libraries that
// plot bring ten to sixty packages along, fonts and PDF among them, and fix the
// colours, where a style sheet in the SVG follows the reader's light or dark mode.
type chart struct {
	title, subtitle string
	x, y            axis
	lines           []line
}

// axis runs from its first tick to its last.
type axis struct {
	title string // with the unit
	ticks []tick
	log   bool
}

type tick struct {
	at   float64
	text string
}

// line is drawn through its points in their order. It is broken at one that is
// not a number.
type line struct {
	name   string
	points []xy
}

type xy struct{ x, y float64 }

// The picture, in its own units. Names of lines stand on the right.
const (
	chartWidth, chartHeight  = 960, 440
	plotLeft, plotRight      = 76, 736
	plotTop, plotBottom      = 64, 380
	legendLeft, legendHeight = 752, 20
)

// chartStyle has five colours that people of any colour vision tell apart, on
// either ground; a sixth line has the first colour again, dashed.
const chartStyle = `
svg { --ground: #ffffff; --ink: #1f2328; --faint: #59636e; --grid: #d8dee4;
  --c0: #0072b2; --c1: #c84c00; --c2: #00805c; --c3: #a8448f; --c4: #8a6d00; }
@media (prefers-color-scheme: dark) {
  svg { --ground: #0d1117; --ink: #e6edf3; --faint: #9198a1; --grid: #30363d;
    --c0: #58b4f0; --c1: #ff9a5c; --c2: #3fd0a4; --c3: #ee9ad8; --c4: #e3c04a; }
}
.ground { fill: var(--ground); }
text { font: 13px system-ui, sans-serif; fill: var(--ink); }
.title { font-size: 17px; font-weight: 600; }
.faint { fill: var(--faint); }
.grid { stroke: var(--grid); stroke-width: 1; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.dashed { stroke-dasharray: 6 4; }
.c0 { stroke: var(--c0); } .c1 { stroke: var(--c1); } .c2 { stroke: var(--c2); } .c3 { stroke: var(--c3); } .c4 { stroke: var(--c4); }
`

const colours = 5

// svg draws the chart.
func (c *chart) svg() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%[2]d" role="img" aria-label="%s">`,
		chartWidth, chartHeight, escape(c.title))
	fmt.Fprintf(&b, "\n<style>%s</style>\n", chartStyle)
	fmt.Fprintf(&b, `<rect class="ground" width="%d" height="%d"/>`+"\n", chartWidth, chartHeight)
	text(&b, plotLeft, 28, `class="title"`, c.title)
	text(&b, plotLeft, 48, `class="faint"`, c.subtitle)
	c.drawAxes(&b)
	for i, l := range c.lines {
		class := fmt.Sprintf("line c%d", i%colours)
		if i/colours%2 == 1 {
			class += " dashed"
		}
		fmt.Fprintf(&b, `<path class="%s" d="%s"/>`+"\n", class, c.path(l.points))
		y := plotTop + 6 + i*legendHeight
		fmt.Fprintf(&b, `<path class="%s" d="M%d %dh24"/>`+"\n", class, legendLeft, y)
		text(&b, legendLeft+32, y+4, "", l.name)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (c *chart) drawAxes(b *strings.Builder) {
	for _, t := range c.y.ticks {
		y := c.y.place(t.at, plotBottom, plotTop)
		fmt.Fprintf(b, `<path class="grid" d="M%d %.1fH%d"/>`+"\n", plotLeft, y, plotRight)
		text(b, plotLeft-8, int(y)+4, `class="faint" text-anchor="end"`, t.text)
	}
	for _, t := range c.x.ticks {
		x := c.x.place(t.at, plotLeft, plotRight)
		fmt.Fprintf(b, `<path class="grid" d="M%.1f %dV%d"/>`+"\n", x, plotTop, plotBottom)
		text(b, int(x), plotBottom+18, `class="faint" text-anchor="middle"`, t.text)
	}
	text(b, (plotLeft+plotRight)/2, plotBottom+44, `text-anchor="middle"`, c.x.title)
	middle := (plotTop + plotBottom) / 2
	text(b, 18, middle, fmt.Sprintf(`text-anchor="middle" transform="rotate(-90 18 %d)"`, middle), c.y.title)
}

// path goes through the points.
func (c *chart) path(points []xy) string {
	var b strings.Builder
	pen := 'M'
	for _, p := range points {
		if math.IsNaN(p.y) {
			pen = 'M'
			continue
		}
		fmt.Fprintf(&b, "%c%.1f %.1f", pen, c.x.place(p.x, plotLeft, plotRight), c.y.place(p.y, plotBottom, plotTop))
		pen = 'L'
	}
	return b.String()
}

// place is where a value stands between the ends of the axis, and never beyond.
func (a axis) place(v, from, to float64) float64 {
	low, high := a.ticks[0].at, a.ticks[len(a.ticks)-1].at
	v = min(max(v, low), high)
	if a.log {
		low, high, v = math.Log(low), math.Log(high), math.Log(v)
	}
	return from + (v-low)/(high-low)*(to-from)
}

// evenTicks are from 0 to at least high, at round steps; to 1 if high is 0.
func evenTicks(high float64) []tick {
	if high <= 0 {
		high = 1
	}
	step := math.Pow(10, math.Floor(math.Log10(high/5)))
	for _, factor := range []float64{1, 2, 5, 10} {
		if step*factor*6 >= high {
			step *= factor
			break
		}
	}
	var ticks []tick
	for i := 0; ; i++ {
		at := float64(i) * step
		ticks = append(ticks, tick{at, strconv.FormatFloat(at, 'f', max(0, -int(math.Floor(math.Log10(step)))), 64)})
		if i > 0 && at >= high {
			return ticks
		}
	}
}

// decadeTicks are powers of ten, from one that is at most low to one that is at
// least high.
func decadeTicks(low, high float64) []tick {
	var ticks []tick
	for e := math.Floor(math.Log10(low)); ; e++ {
		at := math.Pow(10, e)
		ticks = append(ticks, tick{at, strconv.FormatFloat(at, 'f', -1, 64)})
		if len(ticks) > 1 && at >= high {
			return ticks
		}
	}
}

func text(b *strings.Builder, x, y int, attributes, content string) {
	fmt.Fprintf(b, `<text x="%d" y="%d" %s>%s</text>`+"\n", x, y, attributes, escape(content))
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder fails never
	return b.String()
}
