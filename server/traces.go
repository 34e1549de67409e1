package server

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// startSpan makes the span of a request, below that of the caller if it has sent
// one (W3C Trace Context).
func (s *Server) startSpan(ctx context.Context, r *http.Request) (context.Context, trace.Span) {
	if !s.telemetry.Traces() {
		return ctx, trace.SpanFromContext(ctx)
	}
	ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))
	return s.telemetry.Tracer().Start(ctx, r.Method, trace.WithSpanKind(trace.SpanKindServer))
}

// endSpan names the span by its operation and says how it came out. The names of
// attributes are OpenTelemetry's semantic conventions for HTTP.
func endSpan(span trace.Span, c echo.Context, e *event) {
	defer span.End()
	if !span.IsRecording() {
		return
	}
	if e.operationID != "" {
		span.SetName(e.operationID)
	}
	span.SetAttributes(
		attribute.String("http.request.method", c.Request().Method),
		attribute.String("http.route", c.Path()),
		attribute.Int("http.response.status_code", e.status),
		attribute.String("request.id", e.requestID),
	)
	if e.code != "" {
		span.SetAttributes(attribute.String("error.type", e.code))
	}
	if e.status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, e.code)
	}
}

// traceID is that of the span, "" without one that is recorded.
func traceID(ctx context.Context) string {
	if span := trace.SpanContextFromContext(ctx); span.IsSampled() {
		return span.TraceID().String()
	}
	return ""
}
