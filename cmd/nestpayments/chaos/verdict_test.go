package chaos_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// maxViolations is how many are worth reading; the run ends with them.
const maxViolations = 10

// verdict gathers what must not have happened.
type verdict struct {
	mu         sync.Mutex
	violations []string
	// end cuts the run off.
	end context.CancelFunc
}

func (v *verdict) violate(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.violations) < maxViolations {
		v.violations = append(v.violations, fmt.Sprintf(format, args...))
	}
	if len(v.violations) == maxViolations {
		v.end()
	}
}

func (v *verdict) ok() bool { return len(v.all()) == 0 }

func (v *verdict) all() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.violations)
}
