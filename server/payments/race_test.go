//go:build race

package payments_test

// raceDetector reports whether the tests run with it.
const raceDetector = true
