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
// without the server's text. ctx is the caller's: its end is reported as such.
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

// unavailableCodes are the answers of a server that cannot do now what it could
// do a moment ago or can a moment later, and of one that does not say what went
// wrong: whether a write happened is then unknown. Codes that blame the command,
// the user's rights or the server's set-up are not among them.
// Source: https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
var unavailableCodes = [...]int{
	1,     // InternalError: FerretDB gives it to whatever PostgreSQL fails with
	6,     // HostUnreachable
	7,     // HostNotFound
	8,     // UnknownError
	24,    // LockTimeout
	43,    // CursorNotFound: it died with the primary that had it
	46,    // LockBusy
	50,    // MaxTimeMSExpired
	64,    // WriteConcernTimeout
	77,    // OperationIncomplete
	82,    // NoProgressMade
	83,    // RemoteResultsUnavailable
	89,    // NetworkTimeout
	90,    // CallbackCanceled
	91,    // ShutdownInProgress
	94,    // NotYetInitialized
	96,    // OperationFailed
	107,   // LockFailed
	109,   // ConfigurationInProgress
	112,   // WriteConflict
	117,   // ConflictingOperationInProgress
	125,   // CommandFailed
	133,   // FailedToSatisfyReadPreference
	134,   // ReadConcernMajorityNotAvailableYet
	143,   // CursorInUse
	145,   // PooledConnectionsDropped
	146,   // ExceededMemoryLimit
	149,   // NoConfigPrimary
	150,   // StaleEpoch
	175,   // QueryPlanKilled
	189,   // PrimarySteppedDown
	190,   // MasterSlaveConnectionFailure
	199,   // ReplicaSetMonitorRemoved
	202,   // NetworkInterfaceExceededTimeLimit
	203,   // ShardingStateNotInitialized
	208,   // TooManyLocks
	215,   // DatabaseDropPending
	216,   // ElectionInProgress
	218,   // UpdateOperationFailed
	237,   // CursorKilled
	239,   // SnapshotTooOld
	245,   // BrokenPromise
	246,   // SnapshotUnavailable
	249,   // StaleDbVersion
	250,   // StaleChunkHistory
	262,   // ExceededTimeLimit
	264,   // TooManyFilesOpen
	272,   // MigrationConflict
	276,   // IndexBuildAborted
	279,   // ClientDisconnect
	285,   // IndexBuildAlreadyInProgress
	290,   // TransactionExceededLifetimeLimitSeconds
	303,   // SplitHorizonChange
	310,   // PeriodicJobIsStopped
	314,   // ObjectIsBusy
	317,   // ConnectionPoolExpired
	319,   // MovePrimaryInProgress
	342,   // ReshardingCriticalSectionTimeout
	343,   // ShardCannotRefreshDueToLocksHeld
	355,   // InterruptedDueToStorageChange
	363,   // RetryableTransactionInProgress
	365,   // TemporarilyUnavailable
	371,   // UserWritesBlocked
	384,   // ConnectionError
	391,   // ReauthenticationRequired
	402,   // ResourceExhausted
	406,   // MigrationBlockingOperationCoordinatorCleaningUp
	407,   // PooledConnectionAcquisitionExceededTimeLimit
	412,   // UpdatesStillPending
	433,   // AdmissionQueueOverflow
	449,   // RateLimitExceeded
	450,   // PooledConnectionAcquisitionRejected
	462,   // IngressRequestRateLimitExceeded
	9001,  // SocketException
	10058, // legacy NotPrimary
	10107, // NotWritablePrimary
	11600, // InterruptedAtShutdown
	11601, // Interrupted
	11602, // InterruptedDueToReplStateChange
	13388, // StaleConfig
	13435, // NotPrimaryNoSecondaryOk
	13436, // NotPrimaryOrSecondary
	14031, // OutOfDiskSpace
	16500, // TooManyRequests, of Azure Cosmos DB
}

// unavailableLabels are labels of errors that a later try may not meet, whatever
// their code.
var unavailableLabels = [...]string{"RetryableWriteError", "TransientTransactionError", "RetryableError", "SystemOverloadedError"}

// unavailable reports whether the database could not be reached, did not answer
// in time, could not promise that a write stays, or left the outcome unknown.
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
		for _, label := range unavailableLabels {
			if server.HasErrorLabel(label) {
				return true
			}
		}
		for _, code := range unavailableCodes {
			if server.HasErrorCode(code) {
				return true
			}
		}
	}
	return false
}

// describe returns an error's text without the server's own, which quotes what was
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
