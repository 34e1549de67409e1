package stripeclient

import (
	"fmt"
	"io"
)

// Values with a client secret or a person's data show their id alone, whatever
// the verb of fmt that prints them. Their JSON, which slog's JSON handler
// writes, leaves those fields out by tag.

func (in Intent) String() string { return fmt.Sprintf("intent %s (%s)", in.ID, in.Status) }

// Format implements fmt.Formatter for every verb.
func (in Intent) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, in.String()) }

func (c Customer) String() string { return "customer " + c.ID }

// Format implements fmt.Formatter for every verb.
func (c Customer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

func (p CustomerParams) String() string { return "customer of user " + p.UserID }

// Format implements fmt.Formatter for every verb.
func (p CustomerParams) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, p.String()) }
