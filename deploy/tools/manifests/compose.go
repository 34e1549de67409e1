package main

import (
	"context"
	"fmt"
	"io"

	"github.com/compose-spec/compose-go/v2/cli"
)

// compose loads the file as Compose does, with the services of the profiles, and
// writes what it comes to.
func compose(file string, profiles []string, out io.Writer) error {
	options, err := cli.NewProjectOptions([]string{file}, cli.WithProfiles(profiles), cli.WithOsEnv)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	text, err := project.MarshalYAML()
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	_, err = out.Write(text)
	return err
}
