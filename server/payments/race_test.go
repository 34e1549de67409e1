//go:build race

package payments_test

// raceDetector tells whether the tests run with it.
const raceDetector = true
