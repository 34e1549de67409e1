package stripeclient

import (
	"fmt"
	"testing"
)

func TestAnEventSaysWhoseItsIntentIs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		intent string
		want   Origin
	}{
		"a customer and our metadata": {`"object":"payment_intent","customer":"cus_1","metadata":{"paymentId":"p","userId":"u","cuid":"c","x":"y"}`,
			Origin{Known: true, CustomerID: "cus_1", PaymentID: "p", UserID: "u", CUID: "c"}},
		"no customer":            {`"object":"payment_intent","customer":null,"metadata":{}`, Origin{Known: true}},
		"no metadata":            {`"object":"payment_intent","customer":"cus_1"`, Origin{Known: true, CustomerID: "cus_1"}},
		"nothing of a customer":  {`"object":"payment_intent","metadata":{}`, Origin{}},
		"an expanded customer":   {`"object":"payment_intent","customer":{"id":"cus_1"},"metadata":{}`, Origin{}},
		"a customer of no shape": {`"object":"payment_intent","customer":"","metadata":{}`, Origin{}},
		"metadata of no shape":   {`"object":"payment_intent","customer":"cus_1","metadata":{"userId":1}`, Origin{}},
		"another object":         {`"object":"charge","customer":"cus_1"`, Origin{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := fmt.Sprintf(`{"id":"evt_1","object":"event","type":"payment_intent.created","created":1,"data":{"object":{"id":"pi_1",%s}}}`, tt.intent)
			got, _, err := newFake(reply(200, listJSON(false, answer))).client(t).Events(t.Context(), "", 1)
			if err != nil || len(got) != 1 || got[0].Origin != tt.want {
				t.Errorf("got %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
}
