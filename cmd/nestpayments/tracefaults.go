package main

import (
	"errors"
	"io/fs"
	"net/url"
	"strconv"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"

	"github.com/nestpayments/nestpayments/server/telemetry"
)

// reportTraceFaults hands the faults that OpenTelemetry finds to report, without secrets.
// By default OpenTelemetry prints them, with the values of its variables, to stderr. It
// must be called before anything reads these variables. There is one such report in a
// process.
func reportTraceFaults(report func(fault string)) {
	otel.SetLogger(logr.New(traceSink{report}))
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { report(telemetry.Redact(err.Error())) }))
}

// traceSink is the logger of OpenTelemetry. It drops the attributes of an error: they are
// the values of variables, and so may be secrets of any form.
type traceSink struct{ report func(fault string) }

func (s traceSink) Error(err error, msg string, _ ...any) {
	s.report(telemetry.Redact(msg + ": " + withoutInput(err) + " (check the variables OTEL_…)"))
}

func (traceSink) Init(logr.RuntimeInfo)            {}
func (traceSink) Enabled(int) bool                 { return false }
func (traceSink) Info(int, string, ...any)         {}
func (s traceSink) WithValues(...any) logr.LogSink { return s }
func (s traceSink) WithName(_ string) logr.LogSink { return s }

// withoutInput returns the text of an error without the input that it quotes.
func withoutInput(err error) string {
	var file *fs.PathError
	var number *strconv.NumError
	var address *url.Error
	var escape url.EscapeError
	switch {
	case err == nil:
		return "no cause is known"
	case errors.As(err, &file):
		return file.Err.Error()
	case errors.As(err, &number):
		return number.Err.Error()
	case errors.As(err, &address):
		return "not a URL"
	case errors.As(err, &escape):
		return "invalid percent-encoding"
	}
	return err.Error()
}
