package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"syscall"

	"github.com/nestpayments/nestpayments/gen/client"
)

// fault is what is wrong with an answer. It holds no value of the answer but its
// status and its problem code.
type fault struct {
	Operation string
	// Status is that of the answer, 0 if there was none.
	Status int
	// Code is the problem's, or one of ours below.
	Code string
	// Detail says what a right status was wrong about.
	Detail string
	// noAnswer: the client waited in vain, so the time is that of a request that
	// would have taken longer.
	noAnswer bool
}

// The codes of faults that are no problem of the server's.
const (
	codeWrong      = "wrong_answer"       // says what is not so
	codeUnreadable = "unreadable"         // not of the media type or the form that the spec says
	codeTimedOut   = "timed_out"          // after --timeout
	codeUnfinished = "unfinished"         // cut at the end of the run
	codeRefused    = "connection_refused" // nobody listens
	codeLost       = "connection_lost"    // and every other failure of the network
)

func (f *fault) Error() string {
	text := f.Operation + ": "
	if f.Status != 0 {
		text += fmt.Sprintf("status %d, ", f.Status)
	}
	text += f.Code
	if f.Detail != "" {
		text += ": " + f.Detail
	}
	return text
}

// limited tells whether a limit turned the request away.
func (f *fault) limited() bool { return f.Status == http.StatusTooManyRequests }

// judge finds what is wrong with an answer, nil if nothing is. ctx is that of the
// run.
func judge[R reply](ctx context.Context, answer R, err error, want int, check func(R) string) *fault {
	if err != nil {
		return failure(ctx, err)
	}
	if got := answer.StatusCode(); got != want {
		return &fault{Status: got, Code: problemCode(answer.GetBody())}
	}
	if detail := check(answer); detail != "" {
		return &fault{Status: want, Code: codeWrong, Detail: detail}
	}
	return nil
}

// failure is a request without an answer, or with one that the generated client
// cannot read.
func failure(ctx context.Context, err error) *fault {
	var ofURL *url.Error
	var ofNet net.Error
	switch {
	case errors.Is(context.Cause(ctx), errCut):
		return &fault{Code: codeUnfinished, noAnswer: true}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &ofNet) && ofNet.Timeout():
		return &fault{Code: codeTimedOut, noAnswer: true}
	case errors.Is(err, syscall.ECONNREFUSED):
		return &fault{Code: codeRefused}
	case errors.As(err, &ofURL), errors.As(err, &ofNet), errors.Is(err, io.ErrUnexpectedEOF):
		return &fault{Code: codeLost}
	}
	return &fault{Code: codeUnreadable}
}

var goodCode = regexp.MustCompile(`^[a-z_]{1,64}$`)

// problemCode is the code of a problem document, codeUnreadable if it has none.
func problemCode(body []byte) string {
	var p client.Problem
	if err := json.Unmarshal(body, &p); err != nil || !goodCode.MatchString(p.Code) {
		return codeUnreadable
	}
	return p.Code
}
