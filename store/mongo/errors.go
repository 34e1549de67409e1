package mongo

import (
	"context"
	"errors"
	"fmt"
	"time"

	driver "go.mongodb.org/mongo-driver/mongo"
	xdriver "go.mongodb.org/mongo-driver/x/mongo/driver"
	"go.mongodb.org/mongo-driver/x/mongo/driver/topology"

	"github.com/nestpayments/nestpayments/store"
)

// wrap gives a driver's error the store's meaning, with the operation and
// without the server's text. ctx is the caller's: its end is told as such.
func wrap(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	for _, known := range []error{
		store.ErrNotFound, store.ErrStale, store.ErrEmailTaken, store.ErrCustomerTaken, store.ErrPaymentExists,
	} {
		if errors.Is(err, known) {
			return fmt.Errorf("mongo: %s: %w", op, known)
		}
	}
	switch ended := callerEnd(ctx); {
	case errors.Is(err, driver.ErrNoDocuments):
		return fmt.Errorf("mongo: %s: %w", op, store.ErrNotFound)
	case ended == context.Canceled:
		return fmt.Errorf("mongo: %s: %w", op, ended)
	case ended != nil:
		return fmt.Errorf("mongo: %s: %w: %w", op, store.ErrUnavailable, ended)
	case unavailable(err):
		return fmt.Errorf("mongo: %s: %w: %s", op, store.ErrUnavailable, describe(err))
	}
	return fmt.Errorf("mongo: %s: %s", op, describe(err))
}

// callerEnd returns why ctx has ended, or nil. A socket's deadline may fire
// just before the timer of the context that it was taken from.
func callerEnd(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// unavailableCodes are the answers of a server that cannot do now what it
// could do a moment ago or can a moment later.
// Source: https://www.mongodb.com/docs/manual/reference/error-codes/
var unavailableCodes = [...]int{
	6,     // HostUnreachable
	7,     // HostNotFound
	24,    // LockTimeout
	43,    // CursorNotFound: it died with the primary that had it
	50,    // MaxTimeMSExpired
	64,    // WriteConcernTimeout
	89,    // NetworkTimeout
	91,    // ShutdownInProgress
	112,   // WriteConflict
	133,   // FailedToSatisfyReadPreference
	134,   // ReadConcernMajorityNotAvailableYet
	175,   // QueryPlanKilled
	189,   // PrimarySteppedDown
	202,   // NetworkInterfaceExceededTimeLimit
	262,   // ExceededTimeLimit
	317,   // ConnectionPoolExpired
	365,   // TemporarilyUnavailable
	384,   // ConnectionError
	9001,  // SocketException
	10058, // legacy NotPrimary
	10107, // NotWritablePrimary
	11600, // InterruptedAtShutdown
	11602, // InterruptedDueToReplStateChange
	13388, // StaleConfig
	13435, // NotPrimaryNoSecondaryOk
	13436, // NotPrimaryOrSecondary
}

// unavailable tells whether the database could not be reached, did not answer
// in time, or could not promise that a write stays.
func unavailable(err error) bool {
	var (
		selection  topology.ServerSelectionError
		connection topology.ConnectionError
		wait       topology.WaitQueueTimeoutError
		pool       topology.PoolError
		cleared    xdriver.RetryablePoolError
		write      driver.WriteException
		server     driver.ServerError
	)
	switch {
	case driver.IsTimeout(err), driver.IsNetworkError(err), errors.Is(err, driver.ErrClientDisconnected), errors.Is(err, errVanished),
		errors.As(err, &selection), errors.As(err, &connection), errors.As(err, &wait), errors.As(err, &pool), errors.As(err, &cleared):
		return true
	case errors.As(err, &write) && write.WriteConcernError != nil && len(write.WriteErrors) == 0:
		return true
	case errors.As(err, &server):
		if server.HasErrorLabel("RetryableWriteError") {
			return true
		}
		for _, code := range unavailableCodes {
			if server.HasErrorCode(code) {
				return true
			}
		}
	}
	return false
}

// describe tells an error without the server's text, which quotes what was
// written: MongoDB's refusal of a command repeats the command.
func describe(err error) string {
	var command driver.CommandError
	if errors.As(err, &command) {
		if command.Wrapped != nil {
			return describe(command.Wrapped)
		}
		return fmt.Sprintf("server error %d %s", command.Code, command.Name)
	}
	var write driver.WriteException
	if errors.As(err, &write) {
		if len(write.WriteErrors) > 0 {
			return fmt.Sprintf("write error %d", write.WriteErrors[0].Code)
		}
		if write.WriteConcernError != nil {
			return fmt.Sprintf("write concern error %d %s", write.WriteConcernError.Code, write.WriteConcernError.Name)
		}
	}
	return err.Error()
}
