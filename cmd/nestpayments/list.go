package main

import (
	"regexp"
	"strings"
	"unicode"
)

// list is a flag with several values: separated by commas or line breaks, or each in a
// flag of its own. White space around a value is dropped. A comma in a value is written
// \, and a PEM block is one value, whatever it holds.
type list struct {
	items *[]string
	// blanks says that blanks separate values, too: no value holds one.
	blanks bool
}

// Set adds to the existing values: a list has no default.
func (l list) Set(text string) error {
	for {
		block := pemBlock.FindStringIndex(text)
		if block == nil {
			break
		}
		*l.items = append(*l.items, l.split(text[:block[0]])...)
		*l.items = append(*l.items, text[block[0]:block[1]])
		text = text[block[1]:]
	}
	*l.items = append(*l.items, l.split(text)...)
	return nil
}

// pemBlock matches a PEM block, or the rest of a text in which one begins and does not end.
var pemBlock = regexp.MustCompile(`(?s)-----BEGIN .*?(?:-----END [^-]*-----|$)`)

// split returns the values of a text without PEM blocks. It drops those that are empty.
func (l list) split(text string) (items []string) {
	var item strings.Builder
	end := func() {
		if value := trimmed(item.String()); value != "" {
			items = append(items, value)
		}
		item.Reset()
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case strings.HasPrefix(text[i:], `\,`):
			i++
			item.WriteByte(',')
		case c == ',' || c == '\n' || c == '\r' || l.blanks && (c == ' ' || c == '\t'):
			end()
		default:
			item.WriteByte(c)
		}
	}
	end()
	return items
}

// trimmed drops white space around a text, and the byte order mark that some editors put
// in front of it.
func trimmed(text string) string {
	return strings.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) || r == '\uFEFF' })
}

// String returns the list as its variable would hold it.
func (l list) String() string { return strings.Join(*l.items, ",") }

// Type names the kind of value.
func (list) Type() string { return "list" }
