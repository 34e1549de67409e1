package sandbox_test

import (
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// BenchmarkPayment is a create and a confirm over HTTP, with the state on disk.
func BenchmarkPayment(b *testing.B) {
	s, err := sandbox.New(sandbox.Config{SecretKeys: []string{testKey}, StatePath: filepath.Join(b.TempDir(), "state")})
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(s)
	b.Cleanup(func() { server.Close(); _ = s.Close() })
	api := stripeGo(server.URL, server.Client())
	for b.Loop() {
		in, err := api.PaymentIntents.New(intent())
		if err == nil {
			_, err = api.PaymentIntents.Confirm(in.ID, with("pm_card_visa"))
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
