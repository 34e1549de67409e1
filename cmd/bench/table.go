package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// layerGroup is the group of benchmarks that are named operation/layer. They have a
// block of their own, and of their marks the worst is told.
const layerGroup = "Layers"

// writeTable prints the groups that have marks line by line, with the benchmarks
// that did not run, and every other group as a block.
func writeTable(out io.Writer, r report, marks []mark) error {
	var groups []string
	for _, k := range marks {
		groups = appendNew(groups, group(k.benchmarks))
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s\n\ngroup\twhat\tfigure\tmark\treached\tbeside\n", strings.Join(r.machine, ", "))
	for _, g := range groups {
		if g == layerGroup {
			writeWorst(w, r, marks)
			continue
		}
		for _, b := range r.of(g) {
			writeResult(w, b, marks)
		}
		for _, k := range marks {
			if group(k.benchmarks) == g && !slices.ContainsFunc(r.results, k.ran) {
				fmt.Fprintf(w, "%s\t%s\t\t%s\tnot run\n", g, what(k.benchmarks), k)
			}
		}
	}
	writeLayers(w, r.of(layerGroup), marks)
	for _, b := range r.results {
		if g := group(b.name); !slices.Contains(groups, g) {
			groups = append(groups, g)
			writeBlock(w, g, r.of(g))
		}
	}
	return w.Flush()
}

// writeBlock prints a line for each benchmark of a group, and a column for each
// unit.
func writeBlock(w io.Writer, name string, results []*result) {
	var units []string
	for _, b := range results {
		for _, m := range b.metrics {
			units = appendNew(units, m.unit)
		}
	}
	// An empty line begins other columns.
	fmt.Fprintf(w, "\n%s\t%s\n", name, strings.Join(units, "\t"))
	for _, b := range results {
		fmt.Fprint(w, what(b.name))
		for _, unit := range units {
			if m, ok := b.in(unit); ok {
				fmt.Fprintf(w, "\t%s", m.number())
			} else {
				fmt.Fprint(w, "\t")
			}
		}
		fmt.Fprintln(w)
	}
}

// writeResult prints a line for each metric that has a mark, or one.
func writeResult(w io.Writer, b *result, marks []mark) {
	type row struct{ figure, mark, reached string }
	var rows []row
	var beside []string
	for _, m := range b.metrics {
		i := slices.IndexFunc(marks, func(k mark) bool { return k.concerns(b.name, m.unit) })
		if i < 0 {
			beside = append(beside, m.String())
			continue
		}
		rows = append(rows, row{m.String(), marks[i].String(), verdict(marks[i].reached(m.figure()))})
	}
	if len(rows) == 0 {
		rows = []row{{}}
	}
	for _, x := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", group(b.name), what(b.name), x.figure, x.mark, x.reached, strings.Join(beside, ", "))
		beside = nil
	}
}

// writeWorst prints a line for each mark of layers: how the operation does that is
// farthest from it.
func writeWorst(w io.Writer, r report, marks []mark) {
	for _, k := range marks {
		if group(k.benchmarks) != layerGroup {
			continue
		}
		var worst *result
		var figure metric
		n := 0
		for _, b := range r.results {
			m, ok := b.in(k.unit)
			if !ok || !k.concerns(b.name, k.unit) {
				continue
			}
			n++
			if worst == nil || m.figure() > figure.figure() == (k.sense != atLeast) {
				worst, figure = b, m
			}
		}
		if worst == nil {
			fmt.Fprintf(w, "%s\t%s\t\t%s\tnot run\n", layerGroup, what(k.benchmarks), k)
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\tthe worst of %d\n", layerGroup, what(worst.name), figure, k, verdict(k.reached(figure.figure())), n)
	}
}

// writeLayers prints a line for each operation, and for each of its layers the time
// and the allocations. What misses a mark has an exclamation mark.
func writeLayers(w io.Writer, results []*result, marks []mark) {
	if len(results) == 0 {
		return
	}
	var operations, columns []string
	layers, cells := map[string][]string{}, map[string]string{}
	for _, b := range results {
		operation, layer, _ := strings.Cut(what(b.name), "/")
		operations = appendNew(operations, operation)
		layers[operation] = append(layers[operation], layer)
		cells[what(b.name)] = cell(b, marks)
		// Every operation has its layers in the same order, and some have all.
		if len(layers[operation]) > len(columns) {
			columns = layers[operation]
		}
	}
	fmt.Fprintf(w, "\n%s: time, allocations\t%s\n", layerGroup, strings.Join(columns, "\t"))
	for _, operation := range operations {
		fmt.Fprint(w, operation)
		for _, layer := range columns {
			fmt.Fprintf(w, "\t%s", cells[operation+"/"+layer])
		}
		fmt.Fprintln(w)
	}
}

func cell(b *result, marks []mark) string {
	var numbers []string
	for _, unit := range []string{"ns/op", "allocs/op"} {
		m, ok := b.in(unit)
		if !ok {
			continue
		}
		number := m.number()
		if slices.ContainsFunc(marks, func(k mark) bool { return k.concerns(b.name, unit) && !k.reached(m.figure()) }) {
			number += "!"
		}
		numbers = append(numbers, number)
	}
	return strings.Join(numbers, " ")
}

func group(name string) string {
	g, _, _ := strings.Cut(name, "/")
	return g
}

func what(name string) string {
	_, w, _ := strings.Cut(name, "/")
	return w
}

func verdict(reached bool) string {
	if reached {
		return "yes"
	}
	return "MISSED"
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// ran tells whether the benchmark has measured what the mark is for.
func (k mark) ran(b *result) bool {
	_, ok := b.in(k.unit)
	return ok && k.concerns(b.name, k.unit)
}

func (k mark) String() string {
	return string(k.sense) + " " + metric{k.unit, []float64{k.limit}}.String()
}

// String is the number with its unit.
func (m metric) String() string {
	if m.unit == "ns/op" {
		return m.number()
	}
	return m.number() + " " + m.unit
}

// number is the figure in at least three digits, or with two decimals. A time has
// the unit that suits it.
func (m metric) number() string {
	f := m.figure()
	if m.unit == "ns/op" {
		digits := int(math.Log10(max(f, 1)))
		return time.Duration(f).Round(time.Duration(math.Pow10(max(digits-2, 0)))).String()
	}
	if f == math.Trunc(f) || math.Abs(f) >= 100 {
		return strconv.FormatFloat(f, 'f', 0, 64)
	}
	return strconv.FormatFloat(f, 'f', 2, 64)
}
