package main

import (
	"regexp"
	"strings"
)

// list is a flag with several values: between commas, or each in a flag of its own. A
// comma in a value is written \, and a PEM block is one value, whatever it holds.
type list struct{ items *[]string }

// Set adds to the existing values: a list has no default.
func (l list) Set(text string) error {
	for {
		block := pemBlock.FindStringIndex(text)
		if block == nil {
			break
		}
		*l.items = append(*l.items, splitAtCommas(strings.TrimSpace(text[:block[0]]))...)
		*l.items = append(*l.items, text[block[0]:block[1]])
		text = strings.TrimLeft(text[block[1]:], ", \t\r\n")
	}
	*l.items = append(*l.items, splitAtCommas(text)...)
	return nil
}

// pemBlock matches a PEM block, or the rest of a text in which one begins and does not end.
var pemBlock = regexp.MustCompile(`(?s)-----BEGIN .*?(?:-----END [^-]*-----|$)`)

// splitAtCommas drops what is empty behind the last comma.
func splitAtCommas(text string) (items []string) {
	var item strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case strings.HasPrefix(text[i:], `\,`):
			i++
			item.WriteByte(',')
		case text[i] == ',':
			items = append(items, item.String())
			item.Reset()
		default:
			item.WriteByte(text[i])
		}
	}
	if item.Len() > 0 {
		items = append(items, item.String())
	}
	return items
}

// String returns the list as its variable would hold it.
func (l list) String() string { return strings.Join(*l.items, ",") }

// Type names the kind of value.
func (list) Type() string { return "list" }
