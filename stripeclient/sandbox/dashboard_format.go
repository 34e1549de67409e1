package sandbox

import (
	"strings"
	"time"
)

// amountText returns a text such as "20.00 USD".
func amountText(amount int64, currency string) string {
	return decimal(amount, currency) + " " + strings.ToUpper(currency)
}

// codes joins an error's codes, unless they are equal.
func codes(code, declineCode string) string {
	if declineCode == "" || declineCode == code {
		return code
	}
	return code + " / " + declineCode
}

// words splits a text where a line may break: a path into its segments, another
// name into its words.
func words(text string) []string {
	separators := "._"
	if strings.HasPrefix(text, "/") {
		separators = "/" // ids stay whole
	}
	var parts []string
	begin := 0
	for i, r := range text {
		if i > 0 && strings.ContainsRune(separators, r) {
			parts = append(parts, text[begin:i+1])
			begin = i + 1
		}
	}
	return append(parts, text[begin:])
}

// at formats a time, without the day if it is today.
func at(t time.Time) string {
	t = t.Local()
	if now := time.Now(); t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04:05")
	}
	return t.Format("2 Jan 2006 15:04:05")
}

// took formats a duration with about three digits.
func took(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return d.Round(time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Millisecond).String()
}
