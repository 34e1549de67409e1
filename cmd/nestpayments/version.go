package main

import (
	"cmp"
	"context"
	"fmt"
	"runtime/debug"

	"github.com/getkin/kin-openapi/openapi3"
	"go.opentelemetry.io/otel/attribute"

	"github.com/nestpayments/nestpayments/gen"
)

// versionCommand prints the version.
type versionCommand struct{}

// Run prints the version and commit of the program, the version of the API that it
// serves, and the Go that built it.
func (versionCommand) Run(_ context.Context, _ *environment, out output) error {
	spec, err := openapi3.NewLoader().LoadFromData(gen.OpenAPI)
	if err != nil {
		return err
	}
	b := readBuild()
	_, err = fmt.Fprintf(out, "nestpayments %s\ncommit       %s\nAPI          %s\nbuilt with   %s\n", b.version, b.commit, spec.Info.Version, b.toolchain)
	return err
}

// build is what the toolchain has written into the program.
type build struct {
	// version is the tag or pseudo-version of the module, commit the revision, with
	// "+" if files were changed. Both are "unknown" outside of a repository.
	version, commit, toolchain string
}

func readBuild() build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return build{version: "unknown", commit: "unknown", toolchain: "unknown"}
	}
	b := build{version: info.Main.Version, toolchain: info.GoVersion}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			b.commit = s.Value + b.commit
		case s.Key == "vcs.modified" && s.Value == "true":
			b.commit += "+"
		}
	}
	b.version, b.commit = cmp.Or(b.version, "unknown"), cmp.Or(b.commit, "unknown")
	return b
}

// What traces say of their sender, by OpenTelemetry's semantic conventions.
func serviceName() attribute.KeyValue { return attribute.String("service.name", "nestpayments") }
func serviceVersion() attribute.KeyValue {
	return attribute.String("service.version", readBuild().version)
}
