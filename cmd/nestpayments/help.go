package main

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// manual is what --help prints: what the command does and what it takes.
func (c *command) manual() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage: %s\n\n%s", c.usage(), fill(c.help, ""))
	if e, ok := c.does.(explainer); ok {
		for paragraph := range strings.SplitSeq(e.Help(), "\n\n") {
			b.WriteString("\n" + fill(paragraph, ""))
		}
	}
	if len(c.arguments) > 0 {
		b.WriteString("\nArguments:\n")
		for _, a := range c.arguments {
			fmt.Fprintf(&b, "  <%s>\n%s", a.name, fill(a.help, "      "))
		}
	}
	b.WriteString("\nFlags:\n  -h, --help\n      Show this help.\n")
	for _, o := range c.options {
		b.WriteString(o.manual())
	}
	if len(c.commands) > 0 {
		b.WriteString("\nCommands:\n")
		c.listCommands(&b)
		fmt.Fprintf(&b, "\nRun \"%s <command> --help\" for more about one.\n", c.path)
	}
	return b.String()
}

func (o option) manual() string {
	name, help := "  --"+o.flag.Name, o.flag.Usage
	switch {
	case o.flag.NoOptDefVal != "": // takes no value
	case o.flag.DefValue != "":
		name += "=" + o.flag.DefValue
	default:
		name += "=" + o.placeholder
	}
	if o.variable != "" {
		help += " [$" + o.variable + "]"
	}
	return name + "\n" + fill(help, "      ")
}

func (c *command) listCommands(b *strings.Builder) {
	for _, sub := range c.commands {
		if len(sub.commands) > 0 {
			sub.listCommands(b)
			continue
		}
		fmt.Fprintf(b, "  %s\n%s", sub.usage(), fill(sub.help, "      "))
	}
}

// usage is the command as it is written, such as "nestpayments key <file> [flags]".
func (c *command) usage() string {
	usage := c.path
	if len(c.commands) > 0 {
		usage += " <command>"
	}
	for _, a := range c.arguments {
		usage += " <" + a.name + ">"
	}
	if len(c.options) > 0 {
		usage += " [flags]"
	}
	return usage
}

// fill lays words out in lines of 80 characters at most, each behind the indent.
func fill(text, indent string) string {
	var b strings.Builder
	line := indent
	for _, word := range strings.Fields(text) {
		if utf8.RuneCountInString(line+word) >= 80 && line != indent {
			b.WriteString(line + "\n")
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	return b.String() + line + "\n"
}
