package main

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/gen/client"
)

// A replica is told to stop under load. Its balancer asks for readiness and stops
// sending to it, and until then every request is answered: nobody notices.
func TestAStopUnderLoadFailsNoRequest(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	// The last --shutdown-notice counts.
	cmd := realProgram(t, nil, append(append([]string{"serve"}, s.args...), "--shutdown-notice", "4s", "--request-limit", "1000000")...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	url := "http://" + serving(t, stdout)["serving"]
	c, err := client.NewClientWithResponses(url)
	if err != nil {
		t.Fatal(err)
	}
	ada, err := c.UserControllerRegisterWithResponse(t.Context(), client.CreateUserDto{UserName: "Ada", Email: "ada@example.com", Password: "correct horse"})
	if err != nil || ada.JSON201 == nil {
		t.Fatalf("register: %v, %v", ada, err)
	}
	bearer := func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+ada.JSON201.AccessToken)
		return nil
	}

	var sent, failed atomic.Int64
	underLoad, away := make(chan struct{}), make(chan struct{})
	loaded := sync.OnceFunc(func() { close(underLoad) })
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for {
				select {
				case <-away:
					return
				default:
				}
				list, err := c.PaymentControllerGetPaymentsWithResponse(context.Background(), nil, bearer)
				if err != nil || list.JSON200 == nil {
					failed.Add(1)
					t.Errorf("request %d: %v, %v", sent.Load(), list, err)
					return
				}
				if sent.Add(1) == 100 {
					loaded()
				}
			}
		})
	}
	<-underLoad
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	before := sent.Load()
	for ready := true; ready; {
		res, err := http.Get(url + "/readyz")
		if err != nil {
			t.Fatalf("the server went without saying so: %v", err)
		}
		_ = res.Body.Close()
		ready = res.StatusCode == http.StatusOK
	}
	for end := time.Now().Add(10 * time.Second); sent.Load() < before+10 && failed.Load() == 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond) // between looks
	}
	close(away)
	clients.Wait()
	if err := cmd.Wait(); err != nil {
		t.Errorf("the program ended with %v", err)
	}
	t.Logf("%d requests, %d of them after SIGTERM, %d failed", sent.Load(), sent.Load()-before, failed.Load())
}
