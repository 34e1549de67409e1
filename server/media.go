package server

import (
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const jsonType = "application/json"

// acceptsJSON reports whether the Accept headers of a request allow an answer in
// JSON. A client that accepts only problems in JSON may have any other answer too.
func acceptsJSON(h http.Header) bool {
	return quality(h, "Accept", jsonType) > 0 || accepts(h, "Accept", "application/problem+json")
}

// quality returns the weight that an Accept header gives to a media type: that of
// the most specific range that covers it (RFC 9110, section 12.5.1), 0 if none
// does. Without the header, or with an empty one, everything is welcome.
func quality(h http.Header, name, mediaType string) float64 {
	kind, _, _ := strings.Cut(mediaType, "/")
	empty, best, weight := true, 0, 0.0
	for element := range list(h.Values(name)) {
		empty = false
		given, q := weighted(element)
		rank := 0
		switch given {
		case mediaType:
			rank = 3
		case kind + "/*":
			rank = 2
		case "*/*", "*": // some old clients shorten it
			rank = 1
		}
		if rank > best || rank == best && rank > 0 && q > weight {
			best, weight = rank, q
		}
	}
	if empty {
		return 1
	}
	return weight
}

// accepts reports whether a header of weighted values names this one.
func accepts(h http.Header, name, value string) bool {
	for element := range list(h.Values(name)) {
		if given, q := weighted(element); given == value {
			return q > 0
		}
	}
	return false
}

// list yields the elements of a header that is a list (RFC 9110, section 5.6.1):
// separated by commas outside of quoted strings, possibly over several lines, and
// not empty.
func list(lines []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, line := range lines {
			for element := range split(line, ',') {
				if element != "" && !yield(element) {
					return
				}
			}
		}
	}
}

// split yields the parts of a text between separators that are outside of quoted
// strings (RFC 9110, section 5.6.4), without the white space around them.
func split(text string, separator byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		start, quoted := 0, false
		for i := 0; i < len(text); i++ {
			switch {
			case quoted && text[i] == '\\':
				i++
			case text[i] == '"':
				quoted = !quoted
			case text[i] == separator && !quoted:
				if !yield(trimOWS(text[start:i])) {
					return
				}
				start = i + 1
			}
		}
		yield(trimOWS(text[start:]))
	}
}

// weighted returns the value of an element in lower case, without parameters, and
// its weight: the parameter q, 1 if that is missing or malformed (RFC 9110,
// section 12.4.2).
func weighted(element string) (value string, q float64) {
	q = 1
	first := true
	for part := range split(element, ';') {
		if first {
			value, first = strings.ToLower(part), false
			continue
		}
		name, text, _ := strings.Cut(part, "=")
		if !strings.EqualFold(name, "q") {
			continue
		}
		if parsed, err := strconv.ParseFloat(strings.Trim(text, `"`), 64); err == nil && parsed >= 0 && parsed <= 1 {
			q = parsed
		}
	}
	return value, q
}

func trimOWS(text string) string { return strings.Trim(text, " \t") }

// isJSON reports whether the headers say that the body is JSON in UTF-8 and not
// compressed. JSON has no parameters (RFC 8259, section 11), so all are ignored but a
// charset that names another encoding: its sender means other text than JSON is read
// as.
func isJSON(h http.Header) bool {
	for coding := range list(h.Values("Content-Encoding")) {
		if !strings.EqualFold(coding, "identity") {
			return false
		}
	}
	types := h.Values("Content-Type")
	if len(types) != 1 {
		return false
	}
	first := true
	for part := range split(types[0], ';') {
		if first && !strings.EqualFold(part, jsonType) {
			return false
		}
		first = false
		name, value, _ := strings.Cut(part, "=")
		if strings.EqualFold(name, "charset") && !slices.Contains(utf8Labels, strings.ToLower(strings.Trim(value, `"' `))) {
			return false
		}
	}
	return true
}

// utf8Labels are the names of UTF-8 (Encoding standard, section 4.2), and of ASCII,
// which is a part of it. An empty name says nothing.
var utf8Labels = []string{
	"", "utf-8", "utf8", "utf_8", "unicode-1-1-utf-8", "unicode11utf8", "unicode20utf8", "x-unicode20utf8", "us-ascii", "ascii",
}
