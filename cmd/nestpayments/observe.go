package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/nestpayments/nestpayments/server/telemetry"
)

// newRegistry has the metrics of the process beside those of the server.
func newRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewBuildInfoCollector())
	return r
}

// newTelemetry measures into the registry, and traces if the environment asks for
// it, until the returned function is called, which sends what has not been sent.
func newTelemetry(ctx context.Context, registry *prometheus.Registry) (*telemetry.Telemetry, func() error, error) {
	c := telemetry.Config{Metrics: registry}
	flush := func() error { return nil }
	if wantsTraces(os.Getenv) {
		provider, err := newTracerProvider(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("traces: %w", err)
		}
		c.Traces = provider
		flush = func() error {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
			defer cancel()
			if err := provider.Shutdown(ctx); err != nil {
				return fmt.Errorf("send the last traces: %w", err)
			}
			return nil
		}
	}
	t, err := telemetry.New(c)
	return t, flush, err
}

// flushTimeout bounds what a collector that hangs can hold up a stop.
const flushTimeout = 5 * time.Second

// wantsTraces reports whether the standard variables of OpenTelemetry name a place to
// send traces to.
// Source: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
func wantsTraces(env func(string) string) bool {
	if env("OTEL_SDK_DISABLED") == "true" || env("OTEL_TRACES_EXPORTER") == "none" {
		return false
	}
	return env("OTEL_TRACES_EXPORTER") == "otlp" || env("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

// newTracerProvider sends spans by OTLP over HTTP. Sampler, endpoint, headers and
// resource are OpenTelemetry's own variables, which its SDK reads.
func newTracerProvider(ctx context.Context) (*trace.TracerProvider, error) {
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, err
	}
	described, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(serviceName(), serviceVersion()), resource.WithFromEnv())
	if err != nil {
		return nil, err
	}
	return trace.NewTracerProvider(trace.WithBatcher(exporter), trace.WithResource(described)), nil
}

// serveOperator answers on an address of its own, which is not for clients, until
// the returned function is called: GET /metrics for Prometheus, and profiles of the
// running process below /debug/pprof/. An empty address means none.
func serveOperator(addr string, registry *prometheus.Registry, log *slog.Logger) (stop func() error, err error) {
	if addr == "" {
		return func() error { return nil }, nil
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for the operator on %s: %w", addr, err)
	}
	// Not pprof.Cmdline: a secret may be given by a flag.
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	// A profile may take a minute.
	srv := &http.Server{Handler: mux, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn), ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 2 * time.Minute}
	go func() { _ = srv.Serve(ln) }()
	log.Info("serving the operator", slog.String("addr", ln.Addr().String()))
	return srv.Close, nil
}
